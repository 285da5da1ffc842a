"""The fields of the question, each in one record: its flag, label, range, words and the question that asks for it.

A field is added here and in the spec; flags, help, questions, reports and what-ifs are derived from its record.
"""
