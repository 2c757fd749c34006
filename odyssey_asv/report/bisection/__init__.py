"""The forms of a search for the commit at fault. Text out, nothing printed, nothing measured."""
