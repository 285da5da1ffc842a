"""Rule packs held against the runtime that they watch and the plan that they scale: what is wrong, where, the fix.

What holds of a sound pack, by the rule's name:

    L0   it can be read
    L1   the metric exists in the version that runs
    L2   the label exists
    L3   a trigger's query yields one series
    L4   every field does something
    L5   an empty result is seen
    L6   paths, ports and prefixes are those of what serves
    L7   values of metadata are strings
    L8   a trigger, or an alert, fires before saturation, is silent at rest and does not oscillate
    L9   thresholds stand on buckets
    L10  one autoscaler holds a target, with bounds and a fallback that work
    L11  namespace and model are pinned
    L12  probes outlast the load time, and grace periods an answer
    L13  replicas and ranks are counted in the unit that scales
    L14  what is started is what was planned
    L15  what no plan knows is filled in
    L16  a pod can run: its volumes are declared, and its image and nodes are those of its accelerators
"""
