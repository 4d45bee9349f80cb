"""What a name stands for on the hub, and what the store holds then. usage: listing_test.py PROGRAM [UNITTEST ARGUMENTS]"""
import json
import pathlib
import subprocess
import sys
import unittest

from fake_hub import Repo, gguf, sha256
from hub_case import HubTest, main


class Pulls(HubTest):
    def test_default_quant(self):
        self.pull("org/Model-GGUF")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)
        model = self.installed()["model-q4_k_m"]
        self.assertEqual(model["repo"], "org/Model-GGUF")
        self.assertEqual(model["revision"], self.hub.repos["org/Model-GGUF"].commit)
        self.assertEqual(model["licence"], "apache-2.0")
        self.assertEqual(model["files"][0]["sha256"], sha256(self.data))
        self.assertEqual(self.store_files(), ["model-q4_k_m/Model-Q4_K_M.gguf", "model-q4_k_m/manifest.json"])

    def test_quant_file_and_name(self):
        self.pull("org/Model-GGUF:q8_0")
        self.pull("org/Model-GGUF:Model-Q8_0.gguf", "--name", "mine")
        self.assertEqual(self.contents("model-q8_0"), self.contents("mine"))

    def test_catalogue_name_and_notice(self):
        self.hub.repos["bartowski/Mistral-Large-Instruct-2407-GGUF"] = Repo({"M-Q4_K_M.gguf": gguf(5000)})
        done = self.pull("mistral-large-instruct-2407")
        self.assertIn("research only", done.stderr)
        self.assertIn("mistral-large-instruct-2407", self.installed())

    def test_split_files_in_a_folder(self):
        parts = {f"Q4_0/m-0000{i}-of-00003.gguf": gguf(100_000 + i, seed=i) for i in (1, 2, 3)}
        self.hub.repos["org/split"] = Repo(parts)
        self.pull("org/split")
        files = self.installed()["split-q4_0"]["files"]
        self.assertEqual([pathlib.Path(f["path"]).read_bytes() for f in files], list(parts.values()))

    def test_listing_in_pages(self):
        self.hub.page_size = 3
        self.hub.repos["org/many"] = Repo({**{f"a{i}.txt": b"x" for i in range(20)}, "z-Q4_0.gguf": gguf(5000)})
        self.pull("org/many")
        self.assertEqual(len(self.hub.seen("hub", "/tree/")), 7)

    def test_small_file_without_sha256(self):
        self.hub.repos["org/small"] = Repo({"s-Q4_0.gguf": gguf(5000)}, small=["s-Q4_0.gguf"])
        self.pull("org/small")
        self.assertEqual(self.contents("small-q4_0"), gguf(5000))

    def test_moved_repository(self):
        self.hub.moved["old/Model-GGUF"] = "org/Model-GGUF"
        self.pull("old/Model-GGUF", HF_TOKEN="hf_right")
        self.assertEqual(self.contents("model-q4_k_m"), self.data)

    def test_revision(self):
        self.hub.repos["org/rev"] = Repo({"r-Q4_0.gguf": gguf(5000)}, revision="v1/final")
        self.refused(66, "no such revision", "pull", "org/rev")
        self.pull("org/rev", "--revision", "v1/final")
        # Another revision replaces it under the same name.
        self.hub.repos["org/rev"] = Repo({"r-Q4_0.gguf": gguf(6000)}, revision="v2")
        self.pull("org/rev", "--revision", "v2")
        self.assertEqual(self.contents("rev-q4_0"), gguf(6000))
        self.assertEqual(len(self.store_files()), 2)

    def test_installed_already(self):
        self.pull("org/Model-GGUF")
        before = len(self.hub.requests)
        done = self.pull("org/Model-GGUF")
        self.assertIn("already installed", done.stdout)
        self.assertEqual(len(self.hub.requests), before)
        self.assertIn("already installed", self.pull("model-q4_k_m", HF_ENDPOINT="http://127.0.0.1:9").stdout)

    def test_name_taken(self):
        self.pull("org/Model-GGUF:Q8_0", "--name", "mine")
        done = self.run_program("pull", "org/Model-GGUF:Q4_K_M", "--name", "mine")
        self.assertEqual(done.returncode, 2)
        self.assertIn("the name 'mine' is taken", done.stderr)

    def test_show_and_remove(self):
        self.pull("org/Model-GGUF:Q8_0")
        shown = json.loads(self.run_program("models", "show", "model-q8_0", "--json").stdout)
        self.assertEqual(shown["architecture"], "llama")
        self.assertEqual(shown["context"], 4096)
        self.assertNotEqual(self.run_program("models", "remove", "model-q8_0").returncode, 0)
        self.assertEqual(self.run_program("models", "remove", "model-q8_0", "--yes").returncode, 0)
        self.assertEqual(self.store_files(), [])

    def test_add_replaces_only_when_told(self):
        files = [self.home / name for name in ("first.gguf", "second.gguf")]
        for seed, file in enumerate(files):
            file.write_bytes(gguf(5000, seed=seed))
        self.assertEqual(self.run_program("models", "add", "mine", str(files[0])).returncode, 0)
        done = self.run_program("models", "add", "mine", str(files[1]))
        self.assertEqual(done.returncode, 2)
        self.assertIn("the name 'mine' is taken (first.gguf, 5.00 kB)", done.stderr)
        self.assertIn("aquilon models add --replace mine FILE", done.stderr)
        self.assertEqual(self.contents("mine"), gguf(5000, seed=0))
        done = self.run_program("models", "add", "--replace", "mine", str(files[1]))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.contents("mine"), gguf(5000, seed=1))

    def test_store_folder_that_cannot_be(self):
        file = self.home / "model.gguf"
        file.write_bytes(gguf(5000))
        says = f"cannot create folder {file}/models/.partial/"
        for command in (["pull", "org/Model-GGUF"], ["models", "add", "mine", str(file)]):
            with self.subTest(command):
                done = self.refused(69, says, *command, AQUILON_HOME=str(file))
                self.assertIn(f"{file} is in the way and is no folder", done.stderr)
                self.assertNotIn("space", done.stderr)
        checks = json.loads(self.run_program("doctor", "--json", AQUILON_HOME=str(file)).stdout)["checks"]
        [store] = [check for check in checks if check["topic"] == "model store"]
        self.assertEqual(store["text"], f"cannot create folder {file}/models: {file} is in the way and is no folder")


class Refusals(HubTest):
    def test_no_such_things(self):
        cases = [
            (77, "no public repository", ["org/none"]),
            (66, "no file or quant 'Q2_K'; there are: Model-Q4_K_M.gguf, Model-Q8_0.gguf", ["org/Model-GGUF:Q2_K"]),
            (66, "no such revision", ["org/Model-GGUF", "--revision", "none"]),
            (2, "not a revision", ["org/Model-GGUF", "--revision", "../../x"]),
            (66, "did you mean smollm2-135m-instruct?", ["smollm2-135m-instrct"]),
            (66, "no model named 'a/b/c'", ["a/b/c"]),
            (66, "no model named '../x'", ["../x"]),
            (2, "--name", ["org/Model-GGUF", "--name", "../x"]),
            (2, "which model?", []),
        ]
        for status, says, arguments in cases:
            with self.subTest(arguments):
                self.refused(status, says, "pull", *arguments)
        self.hub.fail("hub", "/revision/", lambda h: h.answer(404, b""))
        self.refused(66, "has no repository", "pull", "org/none")


try:
    import huggingface_hub
except ImportError:
    huggingface_hub = None


@unittest.skipIf(huggingface_hub is None, "the Python package huggingface_hub is not installed")
class Reference(HubTest):
    """The same hub serves Hugging Face's own client: it speaks the real interface."""

    CODE = """
import hashlib, json, pathlib, sys, huggingface_hub as h
one = h.hf_hub_download("org/Model-GGUF", "Model-Q4_K_M.gguf", cache_dir=sys.argv[1])
all_ = h.snapshot_download("org/Model-GGUF", cache_dir=sys.argv[1])
tree = {f.path: (f.size, f.lfs.sha256 if f.lfs else None)
        for f in h.HfApi().list_repo_tree("org/Model-GGUF", recursive=True)}
sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in pathlib.Path(all_).iterdir()}
print(json.dumps({"one": hashlib.sha256(open(one, "rb").read()).hexdigest(), "tree": tree, "sums": sums}))
"""

    def test_huggingface_hub_downloads_the_same(self):
        self.hub.page_size = 2
        cache = self.home / "cache"
        environment = self.environment(HF_HOME=str(cache), HF_HUB_DISABLE_XET="1", HF_TOKEN="hf_right",
                                       HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        done = subprocess.run([sys.executable, "-c", self.CODE, str(cache)], env=environment, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        files = self.hub.repos["org/Model-GGUF"].files
        self.assertEqual(found["one"], sha256(self.data))
        self.assertEqual(found["sums"], {path: sha256(data) for path, data in files.items()})
        self.assertEqual({p: size for p, (size, _) in found["tree"].items()}, {p: len(d) for p, d in files.items()})
        self.assertTrue(all("Authorization" not in r[3] for r in self.hub.seen("cdn")))
        # And ours, from the same hub, has the same bytes.
        self.pull("org/Model-GGUF")
        self.assertEqual(sha256(self.contents("model-q4_k_m")), found["one"])


if __name__ == "__main__":
    main(__doc__)
