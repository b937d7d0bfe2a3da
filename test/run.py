#!/usr/bin/python3
"""Runs every test suite and ends with one line: N passed, N failed.

Suites: each GoogleTest binary in BIN/tests, the lit tests, and each test/*/test_*.py (unittest). Suites run two at a
time, except those that use all cores themselves (marked `# suite: alone`), which run last, one by one.
"""
import argparse, concurrent.futures, json, os, pathlib, re, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(cmd, log, env=None):
    with open(log, "w") as f:
        return subprocess.run(cmd, stdout=f, stderr=subprocess.STDOUT, cwd=ROOT, env=env).returncode


def gtest(binary, tmp, env):
    out = tmp / (binary.name + ".json")
    log = tmp / (binary.name + ".log")
    code = run([str(binary), f"--gtest_output=json:{out}"], log, env)
    if not out.exists():
        return 0, 1, log
    r = json.loads(out.read_text())
    skipped = sum(t.get("result") == "SKIPPED" for suite in r["testsuites"] for t in suite["testsuite"])
    passed, failed = r["tests"] - r["failures"] - r.get("disabled", 0) - skipped, r["failures"]
    return passed, failed + (1 if code and not failed else 0), log


def lit(tmp, env, build):
    out, log = tmp / "lit.json", tmp / "lit.log"
    code = run(["/usr/lib/llvm-22/bin/lit", "-v", "-j2", f"--output={out}", str(build / "test")], log, env)
    if not out.exists():
        return 0, 1, log
    codes = [t["code"] for t in json.loads(out.read_text())["tests"]]
    passed = sum(c in ("PASS", "XFAIL", "FLAKYPASS") for c in codes)
    failed = sum(c in ("FAIL", "XPASS", "UNRESOLVED", "TIMEOUT") for c in codes)
    return passed, failed + (1 if code and not failed else 0), log


def python(path, tmp, env):
    log = tmp / (path.parent.name + "-" + path.stem + ".log")
    code = run(["/usr/bin/python3", str(path), "-v"], log, env)
    text = log.read_text()
    m = re.search(r"^Ran (\d+) tests?", text, re.M)
    if not m:
        return 0, 1, log
    bad = sum(int(x) for x in re.findall(r"(?:failures|errors)=(\d+)", text))
    skipped = sum(int(x) for x in re.findall(r"skipped=(\d+)", text))
    # What fails in setUpClass is an error of no test: unittest says that it ran none.
    return max(0, int(m[1]) - bad - skipped), bad + (1 if code and not bad else 0), log


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--bin", default="build/release/bin")
    p.add_argument("names", nargs="*", help="run only suites whose names contain one of these")
    a = p.parse_args()
    bindir = (ROOT / a.bin).resolve()
    env = dict(os.environ, PATH=f"{bindir}:/usr/lib/llvm-22/bin:{os.environ['PATH']}", DRAWLOOM_BIN=str(bindir))
    suites = {}
    tmp = pathlib.Path(tempfile.mkdtemp(prefix="drawloom-test-"))
    for b in sorted((bindir / "tests").glob("*")):
        if os.access(b, os.X_OK) and b.is_file():
            suites[b.name] = (False, lambda b=b: gtest(b, tmp, env))
    suites["lit"] = (False, lambda: lit(tmp, env, bindir.parent))
    for t in sorted((ROOT / "test").glob("*/test_*.py")):
        alone = "# suite: alone" in t.read_text()
        suites[f"{t.parent.name}/{t.stem}"] = (alone, lambda t=t: python(t, tmp, env))
    if a.names:
        suites = {k: v for k, v in suites.items() if any(n in k for n in a.names)}

    total_passed = total_failed = 0

    def job(name):
        start = time.time()
        try:
            passed, failed, log = suites[name][1]()
        except Exception as e:  # a runner's own failure is a failed test, never a silent pass
            print(f"{name}: {e}")
            passed, failed, log = 0, 1, None
        return name, passed, failed, log, time.time() - start

    def report(r):
        nonlocal total_passed, total_failed
        name, passed, failed, log, seconds = r
        total_passed += passed
        total_failed += failed
        print(f"{'ok  ' if not failed else 'FAIL'} {name:42} {passed:5} passed {failed:4} failed {seconds:7.1f} s", flush=True)
        if failed and log:
            print("".join("  | " + l for l in open(log, errors="replace").readlines()[-60:]), flush=True)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for r in concurrent.futures.as_completed([pool.submit(job, n) for n, s in suites.items() if not s[0]]):
            report(r.result())
    for n, s in suites.items():
        if s[0]:
            report(job(n))
    if not suites or total_passed + total_failed == 0:
        total_failed += 1
        print("no test ran")
    print(f"{total_passed} passed, {total_failed} failed")
    sys.exit(1 if total_failed else 0)


main()
