"""Demand as one product: each figure is a quantity with a unit of nouns and time, and the units say what it multiplies.

'DAU 480k, sessions/day 1.3, msgs per session 9' ─factors→ 480,000 users, 1.3 sessions/user, 9 messages/session
     ─product→ one load of 65 requests/s ─joined→ asked first, where the rules used fewer of the figures
"""
