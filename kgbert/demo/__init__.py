"""A demo on real data: does the tree of ICD-10-CM help to code diagnoses from few examples?"""
