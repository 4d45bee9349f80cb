#!/usr/bin/env python3
"""Makes the adapters of this folder and the logits that PyPI's peft computes with them.

    python3 -m venv V && V/bin/pip install torch transformers peft safetensors numpy gguf
    V/bin/python make_lora_oracle.py HF_ORACLE_FOLDER OUTDIR [NAME ...]

HF_ORACLE_FOLDER holds the tiny models as Hugging Face folders (llama-gqa, qwen2, gemma3-text; ernie4_5 is one in
../oracle); their GGUF files are in ../oracle. Random weights from fixed seeds: no third-party weights or text.
"""
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
# name, model, configuration, seed, sequences by length
CASES = [
    ("llama-all", "llama-gqa",
     dict(r=4, lora_alpha=8, target_modules=ALL,
          rank_pattern={"down_proj": 2, "model.layers.1.self_attn.q_proj": 3},
          alpha_pattern={"o_proj": 16, "layers.0.self_attn.v_proj": 2}), 1, (7, 33)),
    ("llama-small", "llama-gqa", dict(r=1, lora_alpha=2.5, target_modules=["q_proj", "v_proj", "lm_head"]), 2, (7,)),
    ("qwen2-rs", "qwen2", dict(r=3, lora_alpha=4, use_rslora=True, target_modules=["q_proj", "k_proj", "v_proj", "down_proj"]),
     3, (7, 33)),
    ("gemma3-bf16", "gemma3-text", dict(r=2, lora_alpha=6, target_modules=ALL), 4, (7, 33)),
    ("ernie4_5", "ernie4_5", dict(r=2, lora_alpha=6, target_modules=["q_proj", "k_proj", "v_proj"]), 5, (7,)),
]
GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
              "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
              "mlp.down_proj": "ffn_down"}


def load(folder):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def randomise(model, seed, dtype):
    """Both halves random, so that no product is zero; their size moves logits by about one."""
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if ".lora_" in name:
                values = torch.from_numpy(rng.normal(0, 0.06, tuple(parameter.shape)).astype(np.float32))
                parameter.copy_(values.to(dtype).to(torch.float32))


def greedy(model, prompt, count):
    tokens, margin = list(prompt), np.inf
    for _ in range(count):
        with torch.no_grad():
            logits = model(torch.tensor([tokens])).logits[0, -1].float()
        best = torch.topk(logits, 2)
        margin = min(margin, float(best.values[0] - best.values[1]))
        tokens.append(int(best.indices[0]))
    return {"prompt": prompt, "tokens": tokens[len(prompt):], "least_margin": margin}


def permuted(rows, heads):
    """Hugging Face's order of the rows of q and k to that of llama's GGUF files."""
    return rows.reshape(heads, 2, -1, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def write_gguf(folder, config, path):
    """The adapter as llama.cpp has it: one alpha and rank for all, rows of q and k in pairs."""
    adapter = json.loads((folder / "adapter_config.json").read_text())
    assert not adapter["rank_pattern"] and not adapter["alpha_pattern"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_type("adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", float(adapter["lora_alpha"]))
    for name, tensor in sorted(load_file(folder / "adapter_model.safetensors").items()):
        module, half = name.removeprefix("base_model.model.").removesuffix(".weight").rsplit(".", 1)
        values = tensor.to(torch.float32).numpy()
        if module == "lm_head":
            target = "output"
        else:
            _, _, layer, rest = module.split(".", 3)
            target = f"blk.{layer}.{GGUF_NAMES[rest]}"
            heads = {"self_attn.q_proj": config.num_attention_heads, "self_attn.k_proj": config.num_key_value_heads}
            if half == "lora_B" and rest in heads:
                values = permuted(values, heads[rest])
        writer.add_tensor(f"{target}.weight.{half.lower()}", np.ascontiguousarray(values))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    models, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    torch.set_num_threads(1)
    for name, base, settings, seed, lengths in CASES:
        if sys.argv[3:] and name not in sys.argv[3:]:
            continue
        folder = out / name
        model = get_peft_model(load(models / base), LoraConfig(task_type="CAUSAL_LM", **settings))
        dtype = torch.bfloat16 if name.endswith("bf16") else torch.float32
        randomise(model, seed, dtype)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.data = parameter.data.to(dtype)
        model.save_pretrained(folder, save_embedding_layers=False)
        (folder / "README.md").unlink()
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = base
        config["target_modules"] = sorted(config["target_modules"])
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
        # What is read back is what counts; logits in float32.
        plain = load(models / base)
        adapted = PeftModel.from_pretrained(load(models / base), folder).float().eval()
        manifest = {"model": base, "tolerance": 2e-4, "sequences": []}
        known = {s["length"]: s for s in json.loads((models / base / "manifest.json").read_text())["sequences"]}
        for length in lengths:
            tokens = known[length]["tokens"]
            with torch.no_grad():
                ids = torch.tensor([tokens])
                logits = adapted(ids).logits[0].float().numpy()
                without = plain(ids).logits[0].float().numpy()
            file = f"len{length}.logits.f32"
            logits.astype("<f4").tofile(folder / file)
            manifest["sequences"].append({"tokens": tokens, "logits": file,
                                          "moved": float(np.abs(logits - without).max())})
        manifest["greedy"] = greedy(adapted, known[7]["tokens"], 12)
        (folder / "manifest.json").write_text(json.dumps(manifest) + "\n")
        if name == "llama-small":
            write_gguf(folder, plain.config, folder / "adapter.gguf")
        print(name, [s["moved"] for s in manifest["sequences"]], sum(f.stat().st_size for f in folder.iterdir()))


main()
