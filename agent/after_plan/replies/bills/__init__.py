"""Replies about money: what a plan costs in any unit, what an amount buys, what other places and terms ask."""
