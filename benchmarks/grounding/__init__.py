"""Do the entities of labels help to predict them?"""
