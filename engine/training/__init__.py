"""Training and fine-tuning: what a run takes in accelerator-hours, memory and money.

Facts of published runs, a model, an accelerator and its offers enter; nothing that serves.
"""
