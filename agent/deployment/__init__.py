"""What a plan deploys and watches: a replica as a cluster starts it, its queries, triggers, alerts and dashboard.

Pure: a plan and a catalog in, trees and texts out. ``agent/exports`` makes files of them.
"""
