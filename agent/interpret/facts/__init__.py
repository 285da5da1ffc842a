"""What has been found: findings of a draft, what is left over of the line, and what is settled as a reading.

May import words.
"""
