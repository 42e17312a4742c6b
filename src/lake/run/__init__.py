"""One run of the pipeline: who may run, what there is to do, whether the balance closes, what people are told."""
