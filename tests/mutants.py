#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Mutants of the lines that the series adds to a C file, for scripts/verify/mutate.

usage: mutants.py write FILE DIRECTORY
       mutants.py table DIRECTORY REVIEWED MODEL TABLE

write: FILE is C in the kernel's style, DIRECTORY/lines has the numbers of the
lines to mutate. Each mutant goes to DIRECTORY/N.c; on standard output is a line
for each: N, function, rule and what the rule is applied to, separated by tabs.
The last three are its name, which does not change when lines move.

table: DIRECTORY has what "write" printed as "all", the N that were tried as
"chosen", and lines "N killed KERNEL" or "N invalid", for what does not compile,
as "results". MODEL is models/drain.pml. Write the file TABLE, and
print what survives, which lines of REVIEWED are wrong, and the sums.

Each line of REVIEWED has, separated by tabs, the name of a mutant that KUnit
does not kill; "equivalent", "spin NAME" or "unseen"; and why it is equivalent, or what
the bug NAME of models/drain.pml has in common with the mutant, or why the suite cannot
see it.

Exit codes: 0 done, 1 a mutant survives, or a line of REVIEWED is wrong.
"""
import csv
import re
import sys

# Calls that only tell somebody something, or would if what they assert did not hold.
# The core's own warnings are not among these: what they find is tested.
DIAGNOSTIC = re.compile(r"(lockdep_assert|xe_assert|xe_svm_assert|XE_WARN_ON|vm_dbg|trace_)")

# Rules that change one word, wherever it stands in a statement: name, what to
# look for, what to put there.
WORD_RULES = [
    ("comparison flipped", r"==", "!="),
    ("comparison flipped", r"!=", "=="),
    (">= is >", r">=", ">"),
    ("<= is <", r"<=", "<"),
    ("&& is ||", r"&&", "||"),
    ("|| is &&", r"\|\|", "&&"),
    ("! dropped", r"!(?=[\w(])", ""),
    ("++ is --", r"\+\+", "--"),
    ("-- is ++", r"--", "++"),
    ("tail is head", r"\b(list_add|list_move)_tail\b", r"\1"),
    ("first is last", r"\blist_first_entry_or_null\b", "list_last_entry_or_null"),
    ("true is false", r"\btrue\b", "false"),
    ("false is true", r"\bfalse\b", "true"),
    ("number is another", r"(?<=[=+\-] )0\b", "1"),
    ("number is another", r"(?<=[=+\-] )1\b", "0"),
    ("atomic is plain", r"\bxchg\(([^,]+),\s+((?:[^()]|\([^()]*\))+)\)",
     r"({ typeof(*(\1)) _old = READ_ONCE(*(\1)); WRITE_ONCE(*(\1), \2); _old; })"),
    ("atomic is relaxed", r"\bxchg\(", "xchg_relaxed("),
    ("access is plain", r"\bREAD_ONCE\(([^()]*)\)", r"\1"),
    ("access is plain", r"\bWRITE_ONCE\(([^(),]*), (\w+)\)", r"\1 = \2"),
    ("tree is the other", r"(?<=->)itree\b", "itree_passes"),
    ("tree is the other", r"(?<=->)itree_passes\b", "itree"),
    ("tree is the other", r"\bmn_itree_root\((\w+)\)",
     r"({ struct mmu_notifier_subscriptions *_s = \1->mm->notifier_subscriptions; "
     r"mn_itree_root(\1) == &_s->itree ? &_s->itree_passes : &_s->itree; })"),
    ("fatal signals end it", r"\bset_current_state\(TASK_UNINTERRUPTIBLE\)",
     r"set_current_state(TASK_KILLABLE); if (fatal_signal_pending(current)) break"),
    ("signals end it", r"\bset_current_state\(TASK_UNINTERRUPTIBLE\)",
     r"set_current_state(TASK_INTERRUPTIBLE); if (signal_pending(current)) break"),
    ("barrier dropped", r"\bset_current_state\(", "__set_current_state("),
    ("order is reversed", r"\bllist_reverse_order\(", "("),
    ("time starts anew", r"\bschedule_timeout\(\w+\)",
     "schedule_timeout(MN_STUCK_SECONDS * HZ)"),
    ("time is 1 s", r"\b\w+ \* HZ\b", "HZ"),
    ("seconds are jiffies", r"\b(\w+) \* HZ\b", r"\1"),
]
ASSIGN = re.compile(r"[^=!<>]=[^=]")


def blank(text):
    """Comments, preprocessor lines and what is in strings as blanks, so that
    brackets match and positions stay."""
    return re.sub(r'/\*.*?\*/|^#(?:[^\n]*\\\n)*[^\n]*|(?<=")(?:\\.|[^"\\\n])+(?=")',
                  lambda m: re.sub(r"[^\n]", " ", m[0]), text, flags=re.S | re.M)


def close(code, pos):
    """The position behind the bracket that closes the one at pos."""
    depth = 0
    while True:
        depth += (code[pos] in "([{") - (code[pos] in ")]}")
        pos += 1
        if not depth:
            return pos


def functions(code):
    """(name, return type, start and end of the body) of each function."""
    for m in re.finditer(r"^\{", code, re.M):
        head = code[:m.start()]
        head = head[max(head.rfind(";"), head.rfind("}"), head.rfind("\n\n")) + 1:]
        call = re.search(r"(\w+)\s*\((?:[^()]|\([^()]*\))*\)\s*$", head)
        if call:
            yield call[1], head[:call.start()].strip(), m.start() + 1, \
                close(code, m.start()) - 1


def statements(code, pos, end, block=None):
    """(kind, start, end, block) of statements and of the conditions of
    statements. Statements with the same block follow one another in it."""
    block = block or [0]
    mine = block[0]
    while pos < end:
        m = re.compile(r"\s*((if|while|for|list_for_each_entry\w*|"
                       r"hlist_for_each_entry\w*)\s*(?=\()|else\b|do\b|for \(;;\)|"
                       r"default:|[{};])?").match(code, pos)
        word, pos = m[2] or m[1], m.end()
        if word in ("if", "while", "for") or (word and "for_each" in word):
            stop = close(code, pos)
            if word == "for":
                a = code.index(";", pos) + 1
                b = code.index(";", a)
                if code[a:b].strip():
                    yield "condition", b - len(code[a:b].lstrip()), b, 0
            elif "for_each" not in word:
                yield "condition", pos + 1, stop - 1, 0
            pos = stop
        elif word == "{":
            block[0] += 1
            yield from statements(code, pos, close(code, pos - 1) - 1, block)
            pos = close(code, pos - 1)
            block[0] += 1
            mine = block[0]
        elif not word:
            start = pos
            while pos < end and code[pos] != ";":
                pos = close(code, pos) if code[pos] in "([{" else pos + 1
            pos += 1
            if code[start:pos].strip() not in ("", ";"):
                # What an "if" or "else" governs has no neighbours
                before = code[:start].rstrip()[-1]
                yield "statement", start, pos, mine if before in ";{}" else -start


def split(text, operator):
    """(start, end) of the operands of operator outside of brackets."""
    start = pos = 0
    while pos < len(text):
        if text[pos] in "([{":
            pos = close(text, pos)
        elif text.startswith(operator, pos):
            yield start, pos
            start = pos = pos + len(operator)
        else:
            pos += 1
    yield start, len(text)


def mutations(code, kind, start, end, returns):
    """(rule, start, end, replacement) for one statement or condition."""
    text = code[start:end]
    for rule, old, new in WORD_RULES:
        for m in re.finditer(old, text):
            yield rule, start + m.start(), start + m.end(), m.expand(new)

    if kind == "condition":
        if not re.match(r"![\w(>.&, -]*\)?$", text) and text.count("==") != 1:
            yield "condition negated", start, end, "!(%s)" % text
        yield "condition is true", start, end, "(%s) || true" % text
        yield "condition is false", start, end, "(%s) && false" % text
        # Not of "do"
        if re.search(r"^\s*while \($", code[:start][code.rfind("\n", 0, start) + 1:]):
            word = code.rindex("while", 0, start)
            yield "while is if", word, word + len("while"), "if"
    value = re.match(r"return\b\s*(.*?);$", text, re.S)
    if value or kind == "condition":
        part = value[1] if value else text
        offset = start + (value.start(1) if value else 0)
        for operator, neutral in ("&&", " true "), ("||", " false "):
            operands = list(split(part, operator))
            for a, b in operands if len(operands) > 1 else []:
                yield "operand dropped: " + " ".join(part[a:b].split()), \
                    offset + a, offset + b, neutral
    if kind == "condition":
        return

    choice = re.search(r"\?(.*):(.*);", text, re.S)
    if choice:
        yield "choices swapped", start, end, \
            text[:choice.start()] + "?" + choice[2] + ":" + choice[1] + ";"
    if text == "break;":
        yield "break is continue", start, end, "continue;"
    elif text == "continue;":
        yield "continue is break", start, end, "break;"
    elif value:
        if not value[1] or value[1] in ("NULL", "0"):
            yield "return deleted", start, end, ";"
        elif "*" in returns:
            yield "returns NULL", start, end, "return NULL;"
        elif "bool" in returns:
            yield "returns the opposite", start, end, "return !(%s);" % value[1]
        else:
            yield "returns 0", start, end, "return 0;"
    elif declares(text):
        # What is not initialized is zero
        for m in re.finditer(r"\.(\w+) = ((?:[^,(){}]|\([^()]*\))+),", text):
            if m[2] != "0":
                yield "initializer deleted: " + m[1], \
                    start + m.start(), start + m.end(), ""
    elif ASSIGN.search(text.split("(")[0]):
        yield "assignment deleted", start, end, ";"
    elif "++" in text or "--" in text:
        yield "count deleted", start, end, ";"
    elif "(" in text:
        yield "call deleted", start, end, ";"


def declares(text):
    return re.match(r"(const |struct |unsigned |static |long |int |bool |char |u\d+ )",
                    text)


def write(path, directory):
    text = open(path).read()
    lines = {int(line) for line in open(directory + "/lines")}
    line_of = lambda pos: text.count("\n", 0, pos) + 1
    added = lambda a, b: lines & set(range(line_of(a), line_of(b - 1) + 1))
    code = blank(text)
    seen, number = {}, 0

    def emit(function, rule, what, edits):
        nonlocal number
        what = " ".join(what.split())
        key = (function, rule, what)
        seen[key] = seen.get(key, 0) + 1
        if seen[key] > 1:
            what += " #%d" % seen[key]
        mutant = text
        for a, b, new in sorted(edits, reverse=True):
            # Line numbers, which warnings print, stay
            mutant = mutant[:a] + new + \
                "\n" * (text.count("\n", a, b) - new.count("\n")) + mutant[b:]
        number += 1
        open("%s/%d.c" % (directory, number), "w").write(mutant)
        print(number, *key[:2], what, sep="\t")

    # A number, which is a macro, half and twice of it
    for m in re.finditer(r"^#define\s+(\w+)\s+([1-9]\d*)$", text, re.M):
        if added(m.start(), m.end()):
            for new in (int(m[2]) // 2, int(m[2]) * 2):
                emit(m[1], "constant is %d" % new, m[0], [(*m.span(2), str(new))])

    for name, returns, start, end in functions(code):
        found = [f for f in statements(code, start, end)
                 if not DIAGNOSTIC.match(code, f[1])]
        for kind, a, b, _ in found:
            if not added(a, b):
                continue
            for rule, c, d, new in mutations(code, kind, a, b, returns):
                if added(c, d):
                    emit(name, rule, code[a:b], [(c, d, new)])
        # A read side of RCU, which is balanced without both calls
        calls = {code[a:b]: (a, b, ";") for _, a, b, _ in found if added(a, b)}
        for call, edit in calls.items():
            unlock = calls.get(call.replace("_lock", "_unlock"))
            if re.match(r"rcu_read_lock", call) and unlock:
                emit(name, "lock deleted", call, [edit, unlock])
        # Two statements that follow one another, one of which is a call
        for (k1, a, b, block1), (k2, c, d, block2) in zip(found, found[1:]):
            one, two = code[a:b], code[c:d]
            if k1 == k2 == "statement" and block1 == block2 and \
                    added(a, b) and added(c, d) and \
                    not code[b:c].strip() and \
                    not any(declares(s) or re.match(r"(return|break|continue)\b", s)
                            for s in (one, two)) and \
                    any("(" in s and not re.match(r"INIT_|\w+_init\(", s)
                        for s in (one, two)):
                emit(name, "order swapped", one + " " + two,
                     [(a, b, text[c:d]), (c, d, text[a:b])])


def names(directory):
    """{N: name} of all mutants"""
    rows = (line.rstrip("\n").split("\t") for line in open(directory + "/all"))
    return {row[0]: tuple(row[1:]) for row in rows}


def read_reviewed(path):
    """{name: (state, why)}"""
    rows = [line.rstrip("\n").split("\t") for line in open(path)
            if line.strip() and line[0] != "#"]
    for row in rows:
        if len(row) != 5:
            sys.exit("%s: not five fields: %s" % (path, " ".join(row)))
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}


def has_model(state, model):
    kind, _, name = state.partition(" ")
    if kind == "spin":
        return " BREAK %s " % name in open(model).read()
    return state in ("equivalent", "unseen")


def table(directory, path, model, table_path):
    known, mutants = read_reviewed(path), names(directory)
    chosen = {line.strip() for line in open(directory + "/chosen")}
    results = {}
    for line in open(directory + "/results"):
        number, *results[number] = line.split()
    wrong = ["no such bug in the model: " + state for state, _ in known.values()
             if not has_model(state, model)]
    wrong += ["no such mutant: " + "\t".join(name) for name in known
              if name not in mutants.values()]
    sums = {"killed": 0, "equivalent": 0, "unseen": 0, "survived": 0}
    out = open(table_path, "w")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("function", "rule", "text", "state", "by"))

    for number, name in mutants.items():
        state, *by = results.get(number, ["survived"])
        if number not in chosen or state == "invalid":
            continue
        if state == "killed":
            by = "KUnit, " + by[0]
            if name in known:
                wrong.append("killed by KUnit: " + "\t".join(name))
        elif name in known:
            state, by = known[name]
            if state.startswith("spin "):
                state, by = "killed", "%s: %s" % (state, by)
        else:
            by = ""
            print("survived: " + "\t".join(name))
        sums[state] += 1
        rows.writerow((*name, state, by))

    for line in wrong:
        print("tests/mutants-reviewed: " + line)
    print("mutants: %d," % sum(sums.values()),
          ", ".join("%s: %d" % item for item in sums.items()))
    return 1 if wrong or sums["survived"] else 0


if __name__ == "__main__":
    commands = {"write": write, "table": table}
    sys.exit(commands[sys.argv[1]](*sys.argv[2:]))
