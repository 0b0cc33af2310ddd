"""The ten rows nearest to each query by NumPy: one line of row numbers, from 1, for each query.

nearest.py VECTORS.npy QUERIES.npy FIRST COUNT
"""

import sys

import numpy as np

ROWS = 10
# So many queries are multiplied at once, so that their scores don't fill the memory.
AT_ONCE = 16


def main():
    vectors, queries = sys.argv[1:3]
    first, count = map(int, sys.argv[3:5])
    table = np.load(vectors, mmap_mode="r")
    queries = np.load(queries, mmap_mode="r")[first : first + count]
    # The squares of each row, without a copy of the table.
    lengths = np.sqrt(np.einsum("ij,ij->i", table, table))
    for start in range(0, count, AT_ONCE):
        block = queries[start : start + AT_ONCE]
        scores = table @ block.T if len(block) > 1 else (table @ block[0])[:, None]
        for column, query in enumerate(block):
            cosines = scores[:, column] / (lengths * np.linalg.norm(query))
            best = np.argpartition(-cosines, ROWS)[:ROWS]
            best = best[np.argsort(-cosines[best], kind="stable")]
            print(*(best + 1))


main()
