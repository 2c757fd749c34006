"""`python -m odyssey_asv` is `odyssey`."""

from odyssey_asv.cli import main

if __name__ == "__main__":
    main()
