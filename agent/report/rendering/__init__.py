"""How a report is drawn: laid out in lines of a width and painted, or written as labelled lines or as Markdown.

Only blocks enter: nothing here knows a plan.
"""
