"""A demo on real data: do phenotypes help to classify diagnoses of unseen categories?"""
