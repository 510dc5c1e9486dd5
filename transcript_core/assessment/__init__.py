"""Assessment rules, a module a regulation.  Pure functions: grades and a regulation's dated numbers in, results out.

`marks` makes averages, `circular_22` (secondary schools) and `circular_27` (primary schools) rate a year, and
`registry` says which of them holds for a grade and school year.
"""
