"""Does the Human Phenotype Ontology help to classify diagnoses of unseen categories?"""
