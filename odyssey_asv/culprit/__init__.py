"""Which commit of a range made a step: what is known, what to measure next, what came of it. All pure.

posterior  what measured levels say of a range
search     the commit to measure next
suspicion  how suspect a commit is before anything is measured
bisection  the outcome
"""
