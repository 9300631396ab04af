"""Does a graph with names in two languages help to answer in another language?"""
