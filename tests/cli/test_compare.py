# SPDX-License-Identifier: MIT
"""The methods side by side: same start, table, picture."""
import os
import re
import shutil
import signal
import unittest
import xml.etree.ElementTree as xml

from common import Case, data, png_size, results, svg_texts, without_seconds

RUN = ("compare", data("digits.csv"), "--model", "mlp:64", "--epochs", 12)
METHODS = ["sgd", "momentum", "adagrad", "adadelta"]
AGAIN = "adadelta,sgd,adadelta:state=u16,adadelta:rho=0.9:state=bf16,momentum:lr=0.05:nesterov"
LABELS = ["adadelta", "sgd", "adadelta state u16", "adadelta rho 0.9, state bf16", "momentum"]


class Runs(Case):
    def test_events(self):
        events = self.events(*RUN)
        self.assertEqual([event["method"] for event in events if event["event"] == "done"], METHODS)
        for method in METHODS:
            mine = [event for event in events if event["method"] == method]
            self.assertEqual([event["event"] for event in mine], ["epoch"] * 12 + ["done"])
            self.assertEqual([event["epoch"] for event in mine[:-1]], list(range(1, 13)))
            errors = [event["test_error"] for event in mine[:-1]]
            self.assertEqual(mine[-1]["test_error"], errors[-1])
            self.assertEqual(mine[-1]["best_test_error"], min(errors))
            self.assertEqual(mine[-1]["best_epoch"], errors.index(min(errors)) + 1)
            self.assertLess(errors[-1], 0.1)

    def test_same_run_as_train(self):
        events = self.events(*RUN, "--seed", 5)
        for method in METHODS:
            alone = self.events("train", *RUN[1:], "--seed", 5, "--method", method, "--test-fraction", 0.2,
                                "--schedule", "constant")
            mine = [{k: v for k, v in event.items() if k not in ("method", "label", "state")}
                    for event in events if event["method"] == method]
            for event in alone:
                event.pop("tensors", None)  # which compare does not tell
            self.assertEqual(without_seconds(mine)[:-1], without_seconds(results(alone))[:-1])

    def test_settings_of_a_method(self):
        done = [event for event in self.events(*RUN, "--lr", 0.5, "--methods",
                                               "sgd:lr=0.05,momentum:momentum=0.5:nesterov,adadelta")
                if event["event"] == "done"]
        self.assertEqual([(event["method"], event["lr"]) for event in done],
                         [("sgd", 0.05), ("momentum", 0.5), ("adadelta", 0.5)])
        alone = self.events("train", *RUN[1:], "--method", "momentum", "--lr", 0.5, "--momentum", 0.5, "--nesterov",
                            "--test-fraction", 0.2, "--schedule", "constant")[-1]
        self.assertEqual(done[1]["train_loss"], alone["train_loss"])

    def test_schedule_of_a_method(self):
        methods = "sgd:schedule=step:every=2:gamma=0.3,adagrad:schedule=constant,adadelta:warmup=2"
        done = {event["method"]: event for event in self.events(*RUN, "--schedule", "cosine", "--methods", methods)
                if event["event"] == "done"}
        for method, words in [("sgd", ("--schedule", "step", "--every", 2, "--gamma", 0.3)),
                              ("adagrad", ("--schedule", "constant")),
                              ("adadelta", ("--schedule", "cosine", "--warmup", 2))]:
            alone = self.events("train", *RUN[1:], "--method", method, "--test-fraction", 0.2, *words)[-1]
            self.assertEqual(done[method]["train_loss"], alone["train_loss"], method)

    def test_a_method_again(self):
        """Each run is the one that train makes of the same settings, and has a label of its own."""
        events = self.events(*RUN, "--methods", AGAIN)
        done = [event for event in events if event["event"] == "done"]
        self.assertEqual([event["label"] for event in done], LABELS)
        self.assertEqual([event["method"] for event in done], ["adadelta", "sgd", "adadelta", "adadelta", "momentum"])
        self.assertEqual([event["state"] for event in done], ["f32", None, "u16", "bf16", "f32"])
        for event, words in zip(done, [(), ("--method", "sgd"), ("--state", "u16"), ("--rho", 0.9, "--state", "bf16"),
                                       ("--method", "momentum", "--lr", 0.05, "--nesterov")]):
            alone = self.events("train", *RUN[1:], "--test-fraction", 0.2, "--schedule", "constant", *words)[-1]
            for key in ("train_loss", "test_error", "state_bytes"):
                self.assertEqual(event[key], alone[key], (event["label"], key))
            mine = [other["event"] for other in events if other["label"] == event["label"]]
            self.assertEqual(mine, ["epoch"] * 12 + ["done"])

    def test_labels(self):
        """What an entry has different from its method alone; values that %g would not tell apart are told in full."""
        for methods, labels in [
                ("adadelta:rho=0.9", ["adadelta"]),
                ("adadelta:rho=0.9,adadelta:rho=0.90000001", ["adadelta rho 0.9", "adadelta rho 0.90000001"]),
                ("momentum,momentum:nesterov", ["momentum", "momentum nesterov"]),
                ("momentum:nesterov,momentum", ["momentum nesterov", "momentum"]),
                ("adamw,adamw:weight-decay=0", ["adamw", "adamw weight decay 0"]),
                ("sgd:schedule=step:every=2,sgd:schedule=tail:warmup=1:end=0.5",
                 ["sgd schedule step, every 2", "sgd schedule tail, warmup 1, end 0.5"]),
                ("sgd:weight-decay=0.1,sgd:weight-decay=0.1:decoupled",
                 ["sgd weight decay 0.1", "sgd weight decay 0.1, decoupled"])]:
            done = [event for event in self.events("compare", data("iris.csv"), "--epochs", 2, "--methods", methods)
                    if event["event"] == "done"]
            self.assertEqual([event["label"] for event in done], labels)

    def test_state_for_all(self):
        """It is for the methods that can have it; one of them there must be."""
        for words, states in [(("--state", "u16"), [None, "f32", "f32", "u16"]),
                              (("--state", "bf16"), [None, "bf16", "bf16", "bf16"]),
                              (("--state", "u16", "--methods", "adadelta:state=f64,adadelta,adamw:state=f16"),
                               ["f64", "u16", "f16"])]:
            done = [event for event in self.events(*RUN, *words) if event["event"] == "done"]
            self.assertEqual([event["state"] for event in done], states)
        for name, methods in [("u16", "sgd,adamw"), ("u8", "rmsprop"), ("f16", "sgd")]:
            self.fails(2, *RUN, "--state", name, "--methods", methods,
                       says=[f"--state {name}", "none of the methods"])
        self.fails(2, *RUN, "--state", "u15", says="--state u15: must be one of f32")

    def test_bad_lists(self):
        for text, says in [("sgd,adam", ["adam", "rmsprop"]), ("sgd,sgd", ["sgd", "twice"]), ("", "--methods"),
                           ("sgd,,adadelta", "--method"), ("sgd:lr=-1", ["sgd", "lr -1", "at least 0"]),
                           ("sgd:speed=1", "speed"), ("sgd:lr", "lr"), ("momentum:nesterov=1", "nesterov"),
                           ("sgd:schedule=sine", ["schedule sine", "cosine"]), ("sgd:every=0", ["sgd", "every 0"]),
                           ("sgd:state=u16", ["state u16 does not go with sgd", "leave it out"]),
                           ("adadelta,adamw:state=u8", ["state u8 does not go with adamw", "bf16"]),
                           ("adadelta:state=u15", ["state u15", "u16"]),
                           # the same runs in other words, or with settings that do not count
                           ("adadelta:rho=0.95,sgd,adadelta", ["adadelta", "twice"]),
                           ("adadelta:state=f32,adadelta", ["adadelta", "twice"]),
                           ("sgd:rho=0.5,sgd:rho=0.6", ["sgd", "twice"]),
                           ("momentum:decoupled,momentum", ["momentum", "twice"]),
                           ("sgd:nesterov,sgd", ["sgd", "twice"]),
                           ("sgd:schedule=tail:every=3,sgd:schedule=tail:every=4", ["sgd", "twice"]),
                           (",".join(f"sgd:lr=0.{k}" for k in range(1, 10)) + ",momentum", "more than 9")]:
            self.fails(2, *RUN, f"--methods={text}", "-o", "p.svg", says=says)

    def test_table(self):
        text = self.ok(*RUN, "--quiet")
        lines = [line.split() for line in text.splitlines()]
        self.assertIn(["epoch", *METHODS], lines)
        rows = {line[0]: line[1:] for line in lines if line}
        self.assertLessEqual({"1", "2", "5", "10", "12", "best", "seconds"}, set(rows))
        done = {event["method"]: event for event in self.events(*RUN) if event["event"] == "done"}
        for row, key in (("12", "test_error"), ("best", "best_test_error")):
            values = [done[method][key] for method in METHODS]
            self.assertEqual(rows[row], [f"{100 * v:.2f}" + "*" * (v == min(values)) for v in values])

    def test_table_of_a_method_again(self):
        """Two lines of heads, and every column ends where its head does."""
        text = self.ok(*RUN, "--quiet", "--methods", AGAIN).splitlines()
        place = next(k for k, line in enumerate(text) if line.split()[:1] == ["epoch"])
        self.assertEqual(text[place].split(), ["epoch", "adadelta", "sgd", "adadelta", "adadelta", "momentum"])
        self.assertEqual(re.split(" {2,}", text[place + 1].strip()), ["state u16", "rho 0.9, state bf16"])
        ends = [match.end() for match in re.finditer(r"\S+", text[place])][1:]
        self.assertEqual([match.end() for match in re.finditer("u16|bf16", text[place + 1])], ends[2:4])
        for line in text[place + 2:]:
            if line.strip():
                row = line[len("at epoch"):]
                self.assertEqual([match.end() + len("at epoch") for match in re.finditer(r"[\d.]+", row)], ends, line)

    def test_numbers(self):
        events = self.events("compare", data("diabetes.csv"), "--epochs", 5, "-o", "p.svg")
        self.assertEqual(events[-1], {"event": "picture", "path": "p.svg"})
        self.assertTrue(all("test_error" not in event for event in events))
        self.assertIn("mean squared error", svg_texts(self.path("p.svg")))

    def test_one_that_diverges_does_not_stop_the_others(self):
        code, out, err = self.run_program("compare", data("diabetes.csv"), "--epochs", 30, "--methods",
                                          "sgd:lr=1e9,adadelta", "-o", "p.svg")
        self.assertEqual(code, 0, err)
        self.assertIn("not finite", err)
        self.assertTrue(any("diverged" in text for text in svg_texts(self.path("p.svg"))))
        done = [event for event in self.events("compare", data("diabetes.csv"), "--epochs", 30, "--methods",
                                               "sgd:lr=1e9,adadelta") if event["event"] == "done"]
        self.assertIn("failure", done[0])
        self.assertEqual(done[1]["epochs"], 30)
        self.fails(1, "compare", data("diabetes.csv"), "--methods", "sgd:lr=1e30", "-o", "q.svg", says="not finite")


class Pictures(Case):
    def test_svg(self):
        self.ok(*RUN, "-o", "p.svg", "--methods", "adadelta,adamw,rmsprop,momentum")
        texts = svg_texts(self.path("p.svg"))
        for wanted in ("epoch", "test error in %", "Test error by epoch on digits.csv", "adadelta", "adamw", "rmsprop"):
            self.assertIn(wanted, texts)
        self.assertTrue(any("mlp:64" in text and "359 test rows" in text for text in texts))
        with open(self.path("p.svg")) as file:
            content = file.read().upper()
        for color in ("#D55E00", "#E69F00", "#CC79A7", "#0072B2"):
            red, green, blue = (int(color[k:k + 2], 16) for k in (1, 3, 5))
            self.assertTrue(color in content or re.search(rf"RGB\( *{red}, *{green}, *{blue}\)", content), color)

    def test_svg_of_a_method_again(self):
        """A method's runs share its colour, not its dashes; which is which stands where they end, and in the legend."""
        self.ok(*RUN, "-o", "p.svg", "--methods", AGAIN)
        texts = svg_texts(self.path("p.svg"))
        for label in LABELS:
            self.assertIn(label, texts)
        for legend in ("adadelta lr 1, rho 0.95, eps 1e-06", "adadelta lr 1, rho 0.95, eps 1e-06, state u16",
                       "adadelta lr 1, rho 0.9, eps 1e-06, state bf16", "momentum lr 0.05, momentum 0.9, nesterov"):
            self.assertIn(legend, texts)
        with open(self.path("p.svg")) as file:
            content = file.read()
        strokes = {}
        for stroke in re.findall(r"<path +stroke='([^']*)'([^>]*)>", content):
            strokes.setdefault(stroke[0].replace(" ", "").upper(), set()).add(
                "".join(re.findall(r"stroke-dasharray='([^']*)'", stroke[1])))
        orange = next(dashes for color, dashes in strokes.items() if color in ("#D55E00", "RGB(213,94,0)"))
        self.assertEqual(len(orange), 3, strokes)
        self.assertIn("", orange)
        blue = next(dashes for color, dashes in strokes.items() if color in ("#0072B2", "RGB(0,114,178)"))
        self.assertEqual(blue, {""})

    def test_a_full_picture(self):
        """Nine runs, which is the most; a label that is long is cut where its curve ends."""
        methods = [f"adadelta:rho=0.{k}" for k in range(1, 8)] + ["adadelta:rho=0.9:eps=1e-05:weight-decay=0.001", "sgd"]
        self.ok("compare", data("iris.csv"), "--epochs", 3, "-o", "p.svg", "--methods", ",".join(methods))
        texts = svg_texts(self.path("p.svg"))
        self.assertIn("adadelta rho 0.9, eps 1e-05…", texts)
        self.assertIn("adadelta lr 1, rho 0.9, eps 1e-05, weight decay 0.001", texts)

    def test_png(self):
        self.ok(*RUN, "-o", "p.png")
        width, height = png_size(self.path("p.png"))
        self.assertGreaterEqual(width, 800)
        self.assertGreater(width, height)
        self.assertEqual(os.listdir(self.folder), ["p.png"])

    def test_short_runs(self):
        for epochs in (1, 2):
            self.ok("compare", data("iris.csv"), "--epochs", epochs, "-o", "p.svg")
            xml.parse(self.path("p.svg"))

    def test_names_mean_nothing(self):
        for name in ("it's_a ^{x}.csv", 'a"b`id`$(id)\\n.csv', "<b>&amp;é.csv", "@%#;|.csv"):
            shutil.copy(data("iris.csv"), self.path(name))
            picture = name + ".svg"
            self.ok("compare", name, "--epochs", 2, "-o", picture)
            self.assertIn(f"Test error by epoch on {name}", svg_texts(self.path(picture)))

    def test_title(self):
        title = """my 'own' {title}"""
        self.ok("compare", data("iris.csv"), "--epochs", 2, "-o", "p.svg", "--title", title)
        self.assertIn(title, svg_texts(self.path("p.svg")))

    def test_found_out_before_training(self):
        endless = ("compare", data("digits.csv"), "--epochs", 10**6)
        self.fails(2, *endless, "-o", "p.pdf", says=[".svg", ".png"])
        self.fails(2, *endless, "-o", ".svg", says=".svg")
        self.fails(1, *endless, "-o", "p.svg", env={"PATH": self.folder}, says=["gnuplot", "gnuplot-nox"])

    def test_gnuplot_that_fails(self):
        os.mkdir(self.path("bin"))
        fake = self.write("bin/gnuplot", "#!/bin/sh\necho half a picture\necho out of ink >&2\nexit 1\n")
        os.chmod(fake, 0o755)
        code, _, err = self.run_program(*RUN, "-o", "p.svg", "--quiet", env={"PATH": self.path("bin") + ":/bin:/usr/bin"})
        self.assertEqual(code, 1)
        self.assertRegex(err, r"\Aadadelta: p.svg: [^\n]*out of ink\n\Z")
        self.assertEqual(os.listdir(self.folder), ["bin"])

    def test_ended_by_a_signal(self):
        os.mkdir(self.path("bin"))
        fake = self.write("bin/gnuplot", "#!/bin/sh\necho half a picture\nexec sleep 60\n")
        os.chmod(fake, 0o755)
        process = self.start(*RUN, "-o", "p.svg", "--quiet", env={"PATH": self.path("bin") + ":/bin:/usr/bin"},
                             start_new_session=True)
        self.wait_for_unfinished()
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does
        self.assertEqual(process.wait(timeout=60), -signal.SIGINT)
        self.assertEqual(os.listdir(self.folder), ["bin"])

    def test_gnuplot_that_is_cut_short(self):
        os.mkdir(self.path("bin"))
        for name in ("p.svg", "p.png"):
            fake = self.write("bin/gnuplot", "#!/bin/sh\nyes | head -c 32768\n")  # as on a full disk: no error told
            os.chmod(fake, 0o755)
            code, _, err = self.run_program(*RUN, "-o", name, "--quiet",
                                            env={"PATH": self.path("bin") + ":/bin:/usr/bin"})
            self.assertEqual(code, 1)
            self.assertRegex(err, rf"\Aadadelta: {name}: [^\n]*cut[^\n]*\n\Z")
            self.assertEqual(os.listdir(self.folder), ["bin"])


if __name__ == "__main__":
    unittest.main()
