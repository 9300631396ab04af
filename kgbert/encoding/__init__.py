"""Turn texts, links and sampled neighbourhoods into batches."""
