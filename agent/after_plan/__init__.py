"""The second part of a conversation: what-ifs, variants, comparisons and reasons once there is a plan.

    line ─whatif.understood→ Request ─variants.varied→ spec ─ports.plan: the forecast→ Branch, a plan beside the first
         ─variants.difference→ what is said

``lines.choosing.answer_line`` goes this way for a what-if; why ends in ``why.reasons``, a comparison in
``variants.side_by_side``. A first plan, and one after an edit, comes from ``first_plan.with_plan``.

A state with a plan enters; a new state and what is said leave.
"""
