"""Verdicts on real tasks: does the graph help?"""
