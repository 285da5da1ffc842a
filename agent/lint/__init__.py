"""Rule packs held against the runtime that they watch and the plan that they scale: what is wrong, where, the fix."""
