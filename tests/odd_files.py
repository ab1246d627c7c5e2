"""Odd files, written into a folder: what the walk of inputs gives to the command line."""

import json

import numpy as np
import pandas as pd
import torch
from safetensors.numpy import save_file

from odd_inputs import FIELDS, FRAME, LABELS, ODD, SAME, TENSOR, VALUES, WORDS, WRONG

NPY = {
    "float16": (SAME, VALUES.astype(np.float16)),
    "float32": (SAME, VALUES.astype(np.float32)),
    "fortran": (SAME, np.asfortranarray(VALUES)),
    "swapped": (SAME, VALUES.astype(VALUES.dtype.newbyteorder())),
    "long-double": (SAME, VALUES.astype(np.longdouble)),
    "fields": (ODD, FIELDS),
    "integers": (ODD, np.arange(90).reshape(30, 3)),
    "booleans": (ODD, VALUES > 0),
    "huge": (ODD, np.r_[VALUES, [[1e36] * 3]]),
    "huger": (ODD, np.r_[VALUES, [[1e300] * 3]]),
    "labels": (WRONG, LABELS),
    "words": (WRONG, WORDS),
    "nan": (WRONG, np.where(VALUES > 1, np.nan, VALUES)),
    "infinite": (WRONG, np.where(VALUES > 1, np.inf, VALUES)),
    "complex": (WRONG, VALUES + 1j),
    "dates": (WRONG, VALUES.astype("M8[s]")),
    "three-axes": (WRONG, VALUES[:, :, None]),
    "one-row": (WRONG, VALUES[:1]),
    "no-rows": (WRONG, VALUES[:0]),
    "no-columns": (WRONG, VALUES[:, :0]),
    "number": (WRONG, np.array(1.0)),
}
ROWS = "\n".join(",".join(map(repr, row)) for row in VALUES.tolist()) + "\n"
TEXT = {
    "plain.csv": (SAME, ROWS),
    "header.csv": (SAME, "a,b,c\n" + ROWS),
    "blanks.csv": (SAME, ROWS.replace(",", " ")),
    "semicolons.csv": (SAME, ROWS.replace(",", ";")),
    "tabs.csv": (SAME, ROWS.replace(",", "\t")),
    "tabs.tsv": (SAME, ROWS.replace(",", "\t")),
    "commas.tsv": (SAME, ROWS),
    "windows.csv": (SAME, ROWS.replace("\n", "\r\n")),
    "bom.csv": (SAME, "\ufeff" + ROWS),
    "no-end.csv": (SAME, ROWS.rstrip()),
    "index.csv": (ODD, FRAME.to_csv()),
    "comment.csv": (ODD, "# made by hand\n" + ROWS),
    "decimal-commas.csv": (ODD, ROWS.replace(",", ";").replace(".", ",")),
    "empty.csv": (WRONG, ""),
    "newlines.csv": (WRONG, "\n\n"),
    "header-only.csv": (WRONG, "a,b,c\n"),
    "words.csv": (WRONG, "a,b\ncat,dog\nowl,hen\n"),
    "missing.csv": (WRONG, ROWS + "1.0,,2.0\n"),
    "nan.csv": (WRONG, ROWS + "1.0,nan,2.0\n"),
    "ragged.csv": (WRONG, ROWS + "1.0\n"),
    "nul.csv": (WRONG, "\0\0\0"),
    "prose.txt": (WRONG, "a text\n"),
    "page.html": (WRONG, "<html></html>"),
    "object.json": (WRONG, json.dumps({"a": 1})),
    "text.npy": (WRONG, "no array"),
    "text.npz": (WRONG, "no archive"),
    "text.pt": (WRONG, "no tensors"),
    "text.parquet": (WRONG, "no table"),
    "text.safetensors": (WRONG, "no tensors"),
}


def written(folder):
    """Name of a file to (what may come of it, its path)."""
    found = {}
    for name, (meaning, values) in NPY.items():
        np.save(folder / f"{name}.npy", values)
        found[f"{name}.npy"] = (meaning, folder / f"{name}.npy")
    for name, (meaning, text) in TEXT.items():
        (folder / name).write_bytes(text.encode())
        found[name] = (meaning, folder / name)
    return {**found, **_of_libraries(folder), **_damaged(folder)}


def _of_libraries(folder):
    np.savez(folder / "one.npz", points=VALUES)
    np.savez(folder / "two.npz", points=VALUES, labels=LABELS)
    np.savez(folder / "none.npz")
    torch.save(TENSOR, folder / "tensor.pt")
    torch.save({"points": TENSOR}, folder / "mapping.pt")
    torch.save({"a": {"b": TENSOR}, 0: TENSOR}, folder / "nested.pt")
    torch.save({}, folder / "none.pt")
    torch.save(TENSOR.bfloat16(), folder / "bfloat16.pth")
    torch.save(TENSOR.to_sparse(), folder / "sparse.pt")
    save_file({"points": VALUES}, folder / "one.safetensors")
    save_file({}, folder / "none.safetensors")
    FRAME.to_parquet(folder / "frame.parquet")
    FRAME.convert_dtypes().to_parquet(folder / "nullable.parquet")
    FRAME.assign(flag=VALUES[:, 0] > 0).to_parquet(folder / "flag.parquet")
    pd.DataFrame({"a": WORDS}).to_parquet(folder / "words.parquet")
    pd.DataFrame({"a": list(VALUES)}).to_parquet(folder / "lists.parquet")
    same = [
        "one.npz",
        "tensor.pt",
        "mapping.pt",
        "bfloat16.pth",
        "one.safetensors",
        "frame.parquet",
        "nullable.parquet",
    ]
    odd = ["two.npz", "nested.pt", "flag.parquet", "lists.parquet", "sparse.pt"]
    wrong = ["none.npz", "none.pt", "none.safetensors", "words.parquet"]
    return {
        name: (meaning, folder / name)
        for meaning, names in ((SAME, same), (ODD, odd), (WRONG, wrong))
        for name in names
    }


def _damaged(folder):
    """Files that end too early or hold Python objects, folders, and paths where nothing is."""
    found = {}
    for name in ("float32.npy", "one.npz", "tensor.pt", "one.safetensors", "frame.parquet"):
        short = folder / f"short-{name}"
        short.write_bytes((folder / name).read_bytes()[:-20])
        found[short.name] = (WRONG, short)
    np.save(folder / "pickled.npy", np.array([{}, []], dtype=object), allow_pickle=True)
    (folder / "folder.npy").mkdir()
    for name in ("pickled.npy", "folder.npy", "nowhere.npy", "no-suffix", ""):
        found[name or "the folder itself"] = (WRONG, folder / name)
    return found
