#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes vocab.txt, wordpiece.json and tfidf.json of this folder. Needs the Python packages tokenizers 0.23.3 (a BERT
vocabulary is trained on the sentences below, then they and seeded random texts are cut) and scikit-learn 1.9.1:

    python3 make_goldens.py

Characters that tokenizers' Unicode tables and ours class differently (newer than Unicode 8) are left out of the random texts.
"""
import json
import pathlib
import random
import unicodedata

from sklearn.feature_extraction.text import TfidfVectorizer
from tokenizers import BertWordPieceTokenizer

HERE = pathlib.Path(__file__).parent
SENTENCES = """The harbour master reads the load line before the ship leaves.
A plimsoll line shows how much load is safe in winter, in summer and in fresh water.
Ship's papers: 12,500 tonnes; draught 9.75 m (summer), 9.54 m (winter).
Der Kapitän prüft die Straße zum Hafen, bevor das Schiff ausläuft.
Le capitaine vérifie la ligne de charge à l'aube, été comme hiver.
Капитан проверяет грузовую марку перед выходом в море.
船長は出港前に満載喫水線を確認する。
선장은 출항 전에 만재흘수선을 확인한다.
Ο καπετάνιος ελέγχει τη γραμμή φόρτωσης.
İstanbul'dan kalkan gemi Iğdır'a gitmez.
जहाज़ का कप्तान रेखा देखता है।
naïve façade, coöperate, Ångström, ﬁne ½ № ①
don't stop_believing e-mail@example.org https://example.org/a?b=c#d $5.00 + 10% = ~`^
emoji 🙂 and family 👩‍👩‍👧 and flag 🇳🇴 end
zero​width‍joiner and a‮bidi‬ mark, soft­hyphen, BOM﻿ inside
tabs\tand\r\nlines\u00a0and\u2003spaces\u3000wide\u0085next
combining e\u0301 a\u0308\u0323 o\u0323\u0308 and \u1e69 \u0344
[CLS] is no mark [SEP] in a text [MASK]
controls\x00here\x07and\x7fthere\ufffdend
""".splitlines()


def random_texts(count):
    draw = random.Random(7)
    alphabet = [chr(c) for c in range(1, 0x30000) if unicodedata.category(chr(c)) not in {"Cs", "Cn", "Co"} and old(chr(c))]
    common = [c for s in SENTENCES for c in s]
    for _ in range(count):
        yield "".join(draw.choice(alphabet if draw.random() < 0.3 else common) for _ in range(draw.randint(1, 40)))


def old(c):
    """In Unicode 3.2, so classed the same by every table at hand."""
    return unicodedata.ucd_3_2_0.category(c) == unicodedata.category(c)


def wordpiece():
    trainer = BertWordPieceTokenizer(lowercase=True)
    trainer.train_from_iterator([s.replace("[CLS]", "").replace("[SEP]", "").replace("[MASK]", "") for s in SENTENCES * 20],
                                vocab_size=700, min_frequency=2, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"], show_progress=False)
    pieces = [p for p, _ in sorted(trainer.get_vocab().items(), key=lambda item: item[1])]
    (HERE / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    vocab = {piece: number for number, piece in enumerate(pieces)}
    texts = [s for s in SENTENCES if "[CLS]" not in s] + ["", " ", "x" * 101, "a" * 100] + list(random_texts(150))
    out = {"texts": texts, "forms": []}
    for lower, accents in [(True, True), (False, False), (True, False)]:
        tokenizer = BertWordPieceTokenizer(vocab=vocab, lowercase=lower, strip_accents=accents)
        cut = [tokenizer.encode(text) for text in texts]
        out["forms"].append({"lower": lower, "drop_accents": accents, "ids": [c.ids for c in cut],
                             "offsets": [[[len(t[:b].encode()), len(t[:e].encode())] for b, e in c.offsets] for c, t in zip(cut, texts)]})
    (HERE / "wordpiece.json").write_text(json.dumps(out, ensure_ascii=True, separators=(",", ":")) + "\n")


def tfidf():
    texts = ["The red fox and the red dog", "A dog, a cat and a fox", "Nothing here but cats", "The the THE", "Kapitän prüft Fox",
             "", "a  b   c", "fox fox fox dog"]
    cases = []
    for unit, analyzer in [("word", "word"), ("letters", "char"), ("in_words", "char_wb")]:
        for extra in [{}, {"log_counts": True}, {"length": "absolute", "least_texts": 2}, {"weigh_by_idf": False, "length": "none"}]:
            shortest, longest = (1, 2) if unit == "word" else (2, 4)
            lengths = {"absolute": "l1", "none": None, "euclidean": "l2"}
            model = TfidfVectorizer(analyzer=analyzer, ngram_range=(shortest, longest), sublinear_tf=extra.get("log_counts", False),
                                    norm=lengths[extra.get("length", "euclidean")], use_idf=extra.get("weigh_by_idf", True),
                                    min_df=extra.get("least_texts", 1))
            rows = model.fit_transform(texts)
            rows.sort_indices()
            cases.append({"unit": unit, "shortest": shortest, "longest": longest, "least_letters": 2 if unit == "word" else 1, **extra,
                          "terms": list(model.get_feature_names_out()), "row_start": rows.indptr.tolist(),
                          "column": rows.indices.tolist(), "value": rows.data.tolist()})
    (HERE / "tfidf.json").write_text(json.dumps({"texts": texts, "cases": cases}, ensure_ascii=True, separators=(",", ":")) + "\n")


wordpiece()
tfidf()
