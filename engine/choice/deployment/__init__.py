"""What it costs to serve in another way: rented on other terms, owned, on one device, behind an API, or mixed; batches.

May enter: plans and what makes them, options, offers and what APIs ask.
"""
