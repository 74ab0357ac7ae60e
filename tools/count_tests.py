#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Totals over a run of the tests: the cases of each GoogleTest program, and every other ctest entry as one."""
import pathlib
import sys
import xml.etree.ElementTree as ET


def main(folder):
    passed = failed = skipped = 0
    counted = set()
    for path in sorted((folder / "gtest").glob("*.xml")):
        try:
            suites = ET.parse(path).getroot()
        except ET.ParseError:
            continue  # a program that died while writing: ctest's own entry counts it as failed
        counted.add(path.stem)
        for case in suites.iter("testcase"):
            if case.find("failure") is not None:
                failed += 1
            elif case.get("result") == "skipped" or case.find("skipped") is not None:
                skipped += 1
                reason = case.find("skipped")
                words = (reason.get("message") or "").strip().splitlines() if reason is not None else []
                print(f"skipped: {case.get('classname')}.{case.get('name')}: {' '.join(words)}")
            elif case.get("status") == "run":
                passed += 1
    for entry in ET.parse(folder / "ctest.xml").getroot().iter("testcase"):
        status = entry.get("status")
        name = entry.get("name")
        if status == "run":
            passed += name not in counted
        elif status == "fail":
            if name not in counted:
                failed += 1
            elif failed == 0:
                failed += 1  # every case passed, but the program did not end well
        else:
            skipped += name not in counted
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
