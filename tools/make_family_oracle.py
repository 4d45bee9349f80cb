#!/usr/bin/env python3
"""Makes the reference data of a family: a tiny model of random weights, run in f32 by Hugging Face transformers.

usage: tools/make_family_oracle.py FOLDER [--seed N] [--gguf ARCHITECTURE] [--pair-rows] [--key NAME=NUMBER ...]

    python3 -m venv V && V/bin/pip install torch transformers gguf
    V/bin/python tools/make_family_oracle.py tests/data/oracle/NAME --gguf ARCHITECTURE

FOLDER holds a config.json to begin with, small and in the style of the family's published ones: vocab_size 260, ids 256
and 257 for begin and end (and pad_token_id, where the family's own is above 259), two to five layers. Written beside it, in
the form that docs/adding-a-family.md describes: model.safetensors (BF16; every value is exact in it), a tokenizer (bytes, the
two control tokens and two merges), config.v5.json (the same configuration as transformers 5 writes it), lenN.logits.f32,
len7.hidden.f32 and manifest.json; with --gguf the same weights as model-bf16.gguf, under the names that the package gguf gives
to that architecture's tensors.

    --pair-rows   the architecture's GGUF files have rows of q and k as pairs that turn together (2i, 2i + 1), the folder as
                  halves (i, i + E/2): Llama's converter, and those made of it, put them so
    --key         one more key of the GGUF, behind the architecture's name: --key attention.scale=0.5

The seed is raised until the greedy continuation is clear of ties and repeats.
"""
import argparse
import json
import pathlib

import gguf
import numpy
import torch
import transformers

BYTES, BEGIN, END, VOCABULARY = 256, 256, 257, 260
POSITIONS = {1: [0], 7: range(7), 33: [0, 1, 7, 8, 16, 31, 32], 100: [0, 15, 16, 33, 63, 64, 80, 99]}
MERGES = ["h e", "\u0120 t"]
MIN_MARGIN, MIN_DIFFERENT = 0.03, 12  # of 32 greedy tokens


def byte_characters():
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in shown]
    return [chr(b) if b in shown else chr(256 + rest.index(b)) for b in range(256)]


TOKENS = byte_characters() + ["<s>", "</s>", "he", "\u0120t"]


def tokenizer_json():
    flags = dict(single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    return dict(version="1.0", truncation=None, padding=None, normalizer=None, pre_tokenizer=level, post_processor=None, decoder=level,
                added_tokens=[dict(id=i, content=TOKENS[i], **flags) for i in (BEGIN, END)],
                model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                           fuse_unk=False, byte_fallback=False, vocab={t: i for i, t in enumerate(TOKENS)}, merges=MERGES))


def sequence(length):
    return numpy.random.default_rng(20000 + length).integers(0, VOCABULARY, length).tolist()


def fill(model, seed):
    """Random weights under which every part moves the logits; all exact in BF16."""
    random = torch.Generator().manual_seed(seed)
    tied = model.config.tie_word_embeddings
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            noise = torch.randn(p.shape, generator=random)
            if "norm" in name:
                noise = 1 + 0.25 * noise
            elif name.endswith("bias"):
                noise *= 0.4
            elif "embed_tokens" in name:
                noise *= 0.25 if tied else 0.5
            else:
                noise *= (2 if "lm_head" in name else 1.3) / p.shape[-1] ** 0.5
            p.copy_(noise.bfloat16().float())


def logits(model, tokens):
    with torch.no_grad():
        return model(input_ids=torch.tensor([tokens]), use_cache=False).logits[0]


def greedy(model, prompt, count=32):
    tokens, margins = list(prompt), []
    for _ in range(count):
        best = logits(model, tokens)[-1].topk(2)
        tokens.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
    return tokens[len(prompt):], min(margins)


def build(folder, seed):
    config = transformers.AutoConfig.from_pretrained(folder)
    if config.vocab_size != VOCABULARY:
        raise SystemExit(f"{folder}/config.json: vocab_size is {config.vocab_size}, {VOCABULARY} is needed")
    config._attn_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for tried in range(seed, seed + 100):
        fill(model, tried)
        tokens, margin = greedy(model, sequence(7))
        if margin > MIN_MARGIN and len(set(tokens)) >= MIN_DIFFERENT:
            return model, dict(seed=tried, greedy=dict(prompt=sequence(7), tokens=tokens, margin_min=margin))
    raise SystemExit("no seed without ties: raise --seed, or change the sizes in config.json")


def hidden_states(model, tokens):
    """The embedding's output, each layer's, the final norm's."""
    seen = []
    def keep(_, __, output):
        seen.append((output[0] if isinstance(output, tuple) else output).detach().reshape(len(tokens), -1))
    inner = model.model
    hooks = [inner.layers[0].register_forward_pre_hook(
        lambda _, positional, named: keep(None, None, (positional or [named["hidden_states"]])[0]), with_kwargs=True)]
    hooks += [module.register_forward_hook(keep) for module in (*inner.layers, inner.norm)]
    logits(model, tokens)
    for hook in hooks:
        hook.remove()
    return torch.stack(seen).numpy()


def write_gguf(path, architecture, config, tensors, pair_rows, keys):
    by_name = {name: arch for arch, name in gguf.MODEL_ARCH_NAMES.items()}
    if architecture not in by_name:
        raise SystemExit(f"the package gguf knows no architecture '{architecture}'")
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(head_dim)
    for key in keys:
        name, value = key.split("=")
        writer.add_float32(f"{architecture}.{name}", float(value))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(TOKENS)
    writer.add_token_types([3 if i in (BEGIN, END) else 1 for i in range(VOCABULARY)])
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    names = gguf.get_tensor_name_map(by_name[architecture], config.num_hidden_layers)
    for name, values in tensors.items():
        values = values.numpy()
        if pair_rows and (".q_proj." in name or ".k_proj." in name):
            halves = values.reshape(-1, 2, head_dim // 2, *values.shape[1:])
            values = halves.swapaxes(1, 2).reshape(values.shape)
        kind = gguf.GGMLQuantizationType.F32 if values.ndim == 1 else gguf.GGMLQuantizationType.BF16
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight", ".bias")), gguf.quants.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=pathlib.Path)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--gguf", metavar="ARCHITECTURE")
    options.add_argument("--pair-rows", action="store_true")
    options.add_argument("--key", action="append", default=[], metavar="NAME=NUMBER")
    given = options.parse_args()
    torch.set_num_threads(1)
    folder = given.folder
    own_config = (folder / "config.json").read_text()
    model, manifest = build(folder, given.seed)
    sequences = []
    for length, positions in POSITIONS.items():
        tokens = sequence(length)
        logits(model, tokens)[list(positions)].numpy().astype("<f4").tofile(folder / f"len{length}.logits.f32")
        sequences.append(dict(length=length, positions=list(positions), logits=f"len{length}.logits.f32", tolerance=2e-4, tokens=tokens))
    hidden_states(model, sequence(7)).astype("<f4").tofile(folder / "len7.hidden.f32")
    tensors = {name: p.detach().clone() for name, p in model.named_parameters()}
    if given.gguf:
        write_gguf(folder / "model-bf16.gguf", given.gguf, model.config, tensors, given.pair_rows, given.key)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "config.json").rename(folder / "config.v5.json")
    (folder / "config.json").write_text(own_config)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json()))
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        tokenizer_class="PreTrainedTokenizerFast", bos_token="<s>", eos_token="</s>", add_bos_token=False)))
    versions = dict(torch=torch.__version__, transformers=transformers.__version__, gguf_names=given.gguf)
    (folder / "manifest.json").write_text(json.dumps(dict(versions=versions, sequences=sequences, **manifest)))
    print(f"{folder}: seed {manifest['seed']}, smallest margin {manifest['greedy']['margin_min']:.3f}")


main()
