"""What does a model save, keep and lose in another domain, with another graph?"""
