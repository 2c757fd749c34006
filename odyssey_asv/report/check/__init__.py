"""The forms of a check in pairs. Text out, nothing printed, nothing measured."""
