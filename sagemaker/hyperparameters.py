"""What Dyad takes for a hyperparameter, from `schema.json`: the same answers as the program, before money is spent.

The same Python value reaches the program in several encodings (`2`, `2.0`, `"2"`, `True`, `true`, lists as JSON or as
Python writes them); what is meant follows from the declared type alone. Needs nothing but the standard library.
"""

import difflib
import json
import pathlib
import re

SCHEMA = pathlib.Path(__file__).with_name("schema.json")

# Above 2^53 a float no longer tells neighbouring integers apart.
EXACT = 2**53
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def schema():
    """The output of `dyad schema`."""
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def nothing(key, text):
    """Whether `text` is how nothing is written for the key."""
    return "absent" in key and _unquoted(text) in ("", "null", "None", key["absent"])


def encode(value):
    """A Python value as the text that the platform hands to the program."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None or isinstance(value, (list, tuple, dict)):
        return json.dumps(value)
    return str(value)


def check(values, known=None, given_parts=False):
    """Every problem of `values` (texts by name), one text each.

    `given_parts` says that the job has a channel `test`, which implies `split=given`.
    """
    known = schema() if known is None else known
    keys = {key["name"]: key for key in known["hyperparameters"]}
    problems, read = [], {}
    for name, text in sorted(values.items()):
        if name.startswith(known["ignored"]["prefix"]) or name == known["ignored"]["name"]:
            continue
        if name not in keys:
            problems.append(f"unknown hyperparameter `{name}`: the nearest is `{_nearest(name, keys)}`")
            continue
        fits, value = parse(keys[name], text)
        if fits:
            read[name] = value
        else:
            problems.append(f"`{name}` = `{_shortened(text)}`: expected {keys[name]['expected']}")
    return problems + _together(values, read, known, given_parts)


def parse(key, text):
    """Whether the program takes `text` for the key, and the value that it reads."""
    if nothing(key, text):
        return True, None
    text = _unquoted(text)
    reader = _READERS[key["type"]]
    value = reader(key, text)
    return value is not None, value


def _together(values, read, known, given_parts):
    problems = []
    defaults = {key["name"]: key["default"] for key in known["hyperparameters"]}
    for rule in known["sums_below_1"]:
        refused = [name for name in rule["keys"] if name in values and name not in read]
        implied = {"split": "given"} if given_parts else {}
        state = {**defaults, **implied, **read}
        used = not all(state.get(name) == value for name, value in rule["unless"].items())
        if used and not refused and sum(float(state[name]) for name in rule["keys"]) >= 1:
            shown = " and ".join(f"`{name}` = `{state[name]}`" for name in rule["keys"])
            problems.append(f"{shown}: expected a sum below 1, to leave pairs for training")
    return problems


def _unquoted(text):
    """The text without spaces around it and, where it is a JSON string, without its quotes."""
    text = text.strip()
    if text.startswith('"'):
        try:
            inner = json.loads(text)
        except ValueError:
            return text
        if isinstance(inner, str):
            return inner.strip()
    return text


def _integer(text):
    if re.fullmatch(r"\+?[0-9]+", text):
        # Python reads no number of thousands of digits; twenty are enough for 64 bits.
        digits = text.removeprefix("+").lstrip("0") or "0"
        if len(digits) <= 20 and int(digits) < 2**64:
            return int(digits)
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    return int(number) if 0 <= number <= EXACT and number == int(number) else None


def _integer_in(key, text):
    number = _integer(text)
    return number if number is not None and key["min"] <= number <= key["max"] else None


def _number(key, text):
    if not NUMBER.fullmatch(text):
        return None
    number = float(text)
    fits = (
        number != float("inf")
        and number != float("-inf")
        and ("min" not in key or number >= key["min"])
        and ("above" not in key or number > key["above"])
        and ("max" not in key or number <= key["max"])
        and ("below" not in key or number < key["below"])
    )
    return number if fits else None


def _integers(key, text):
    for opening, closing in ("[]", "()"):
        if len(text) > 1 and text.startswith(opening) and text.endswith(closing):
            text = text[1:-1]
            break
    text = text.rstrip()
    items = [item.strip() for item in text.removesuffix(",").split(",")]
    plain = [item[1:-1] if len(item) > 1 and item[0] == item[-1] == "'" else item for item in items]
    numbers = [_integer_in(key, _unquoted(item)) for item in plain]
    return numbers if None not in numbers and 1 <= len(numbers) <= key["longest"] else None


def _boolean(_, text):
    return {"true": True, "True": True, "1": True, "false": False, "False": False, "0": False}.get(text)


def _device(_, text):
    return text if re.fullmatch(r"auto|cpu|cuda(:[0-9]{1,19})?", text) else None


def _s3_uri(_, text):
    found = re.fullmatch(r"s3://([a-z0-9.-]{3,63})(?:/(.*))?", text, re.DOTALL)
    if not found:
        return None
    prefix = (found[2] or "").removesuffix("/")
    part = re.compile(r"[A-Za-z0-9!\-_.*'()=]+")
    fits = not prefix or all(part.fullmatch(p) and p not in (".", "..") for p in prefix.split("/"))
    return text if fits else None


def _url(_, text):
    """https, or plain http on the machine itself; no user, query or fragment."""
    loopback = r"localhost|127(?:\.\d{1,3}){3}|\[::1\]"
    found = re.fullmatch(rf"(?:https://[^/?#@\s]+|http://(?:{loopback})(?::\d+)?)(?:/[^?#\s]*)?", text)
    return text if found else None


_READERS = {
    "integer": _integer_in,
    "number": _number,
    "integers": _integers,
    "boolean": _boolean,
    "choice": lambda key, text: text if text in key["choices"] else None,
    "text": lambda _, text: text,
    "device": _device,
    "s3_uri": _s3_uri,
    "url": _url,
    "species": lambda _, text: text if re.fullmatch(r"hint:[A-Za-z0-9]{1,64}", text) else None,
}


def _nearest(name, keys):
    """The most similar key; `lr` is short for `learning_rate`."""
    name = name.lower().replace("-", "_")
    initials = [key for key in keys if "".join(word[0] for word in key.split("_")) == name]
    return initials[0] if initials else difflib.get_close_matches(name, keys, n=1, cutoff=0)[0]


def _shortened(text):
    return text if len(text) <= 80 else text[:80] + "…"
