from engine import pandas


def ask(buckets):
    return pandas.ask(buckets, "pandas with pyarrow")
