"""The examples of docs/SERVING.md, each as it stands there but for the address, against a real server
(server_for_test.py) and the default model."""
import contextlib
import io
import os
import pathlib
import re
import unittest

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/SERVING.md"
CODE = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


class Examples(unittest.TestCase):
    def test_every_example_prints_an_answer(self):
        sections = PAGE.read_text().split("\n## ")[1:]
        self.assertGreaterEqual(len(sections), 5)
        for section in sections:
            with self.subTest(section.partition("\n")[0]):
                [code] = CODE.findall(section)
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed):
                    exec(code.replace("http://127.0.0.1:8080", os.environ["AQUILON_TEST_URL"]), {})
                self.assertTrue(printed.getvalue().strip())


if __name__ == "__main__":
    unittest.main(verbosity=2)
