"""Random expressions, and what Jinja makes of them: runtime_js/test/golden/jinja_expressions.json.

    .venv/bin/python tests/golden/make_jinja_expressions.py [COUNT SEED OUT]

Filters, tests, methods, operators and formats; Jinja is set up as transformers does.
What it refuses is null. With other seeds it is a campaign: `JINJA_EXPRESSIONS=OUT npm test jinja_scopes`.
"""

from __future__ import annotations

import json
import re
import runpy
import sys
from pathlib import Path
from random import Random
from typing import Any

from make_jinja_scopes import rendered

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "runtime_js" / "test" / "golden" / "jinja_expressions.json"
CONTEXT: dict[str, Any] = {"rows": [{"k": 2, "t": "p"}, {"k": 1, "t": "Q"}, {"k": 2, "t": None}], "words": ["u", "V", "w w"]}
# What <name> in a form may be: a line, or a word.
LINES = {
    "text": r"""
''
'a'
'two words'
'  b\n c '
'Ünï-cödé (x) [y]'
'a,b,,c'
'-12'
'+3.50'
'0x1f'
'12_000'
'zzzzzzzzzzzz'
'A\tb'
'straße'
"it's"
'"q"'
'<b>&</b>'
'😀é'""",
    "list": r"""
[]
[3, 1, 2]
['b', 'A', 'a']
['x', 'y', 'x']
[1.5, 2, true]
(range(5) | list)
rows
words
(1, 'two')
[[1, 'a'], [0, 'b']]""",
    "other": r"""
none
missing
{'b': 1, 'a': 'z'}
{}
rows[0]
{1: 2, 'x': none}""",
    "expression": r"""
<text> | <of_text>
<text> | <of_text>
<list> | <of_list>
<list> | <of_list>
<number> | <of_number>
<any> | <of_any>
<text>.<method>
<text>.<method>
'{:<spec>}'.format(<number>)
'{:<spec>}'.format(<any>)
'<percent>' % (<number>,)
'<percent>' % (<any>,)
<list>.<of_lists>
<other>.<of_dicts>
<any> is <is>
<any> is not <is>
<number> <sign> <number>
<any> <sign> <any>
(<text>)<slice>
(<list>)<slice>""",
}
WORDS = {
    "of_lists": "index(<small>) index('a') count(<small>) count('x') copy()",
    "of_dicts": "get('a') get('q') get('k',<small>) items()|list keys()|list values()|list copy()",
    "number": "0 1 -1 7 -17 255 1234567 0.5 1.5 2.5 -0.5 -2.675 1e20 1e-7 123456.789 true false",
    "small": "0 1 2 3 5 9 -1 -2",
    "flag": "true false",
    "name": "'k' 't' 'x' 0",
    "any": "<text> <text> <number> <list> <other>",
    "spec": """
d 5d 05d <5d ^7d +d -5 =+8d x #x #06x X b o , _ 012,.2f .2f 8.3f +.1f e .3E g .3g #.4g % .1% n *>9 *^9.2f s 10 >10s .2 ^10.3s é=8 F G""",
    "percent": """
%s %5s %-5s| %.2s %r %d %5d %-5d| %05d %+d %i %u %x %#X %o %f %.2f %8.3f %-8.1f| %+.0f %e %.2E %g %G %#g %c %% %a""",
    "kind": "'string' 'number' 'none' 'defined'",
    "of_text": """
upper lower title capitalize trim wordcount length reverse string escape e striptags urlencode list first last tojson indent int float
forceescape trim(<text>) replace(<text>,<text>) replace(<text>,<text>,<small>) center(<small>) center(9) center(12) truncate(<small>)
truncate(6,true) truncate(7,false,<text>,0) truncate(5,<flag>,'..',2) indent(<small>) indent(2,true) indent(2,<flag>,<flag>) indent('>')
int(<small>) int(0,16) int(base=8) float(<small>) default(<text>) d(<text>,true) join(<text>) format(<text>,<small>)""",
    "of_list": """
length first last sum min max sort unique|list reverse|list list string tojson join sort(<flag>,<flag>) sort(attribute=<name>)
sort(true,attribute=<name>) join(<text>) join('-',<name>) map(attribute=<name>)|list map('upper')|list map('string')|list
map('length')|list selectattr(<name>)|list rejectattr(<name>)|list map(attribute=<name>,default=<text>)|list
selectattr(<name>,<kind>)|list selectattr(<name>,'equalto',<small>)|list select|list reject|list select('gt',<small>)|list
select('odd')|list reject('in',<list>)|list batch(1)|list batch(2,'z')|list batch(4)|list slice(1)|list slice(2,'z')|list slice(4)|list
groupby(<name>)|list sum(attribute=<name>) sum(start=<small>) min(attribute=<name>) max(true,<name>) unique(attribute=<name>)|list
tojson(<small>) tojson(indent=2) tojson(separators=(',',':')) tojson(sort_keys=true) sort(attribute='k,t') default(<text>,<flag>)""",
    "of_number": """
abs int float round round(1) round(2) round(-1) round(0,'floor') round(1,'ceil') string tojson default(5,true) length""",
    "of_any": """
tojson string list items|list dictsort dictsort(true) dictsort(false,'value') dictsort(reverse=true) length first default('d') join(',')
int float map('string')|list attr('k') tojson(indent=1) reverse|list upper e sum abs round""",
    "method": """
upper() lower() title() capitalize() swapcase() casefold() strip() lstrip() rstrip() split() splitlines() splitlines(true)
split(none,<small>) strip(<text>) lstrip(<text>) rstrip(<text>) split(<text>) split(<text>,<small>) rsplit(<text>,<small>)
startswith(<text>) endswith(<text>) startswith(('a',<text>)) find(<text>) find(<text>,<small>) rfind(<text>) index(<text>) count(<text>)
replace(<text>,<text>) replace(<text>,<text>,<small>) isdigit() isalpha() isalnum() isspace() isupper() islower() isnumeric() isdecimal()
istitle() isidentifier() zfill(<small>) zfill(9) center(<small>) center(14) center(15,'*') ljust(14,'.') rjust(14) expandtabs(4)
partition(<text>) rpartition(<text>) removeprefix(<text>) removesuffix(<text>) join(<list>) format(<small>,<text>)""",
    "is": """
defined undefined none boolean true false string integer float number mapping iterable sequence callable odd even lower upper escaped
divisibleby(<small>) lt(<number>) ge(<number>) gt(<number>) le(<number>) sameas(<flag>) eq(<any>) ne(<any>) in(<list>)""",
    "sign": "+ - * / // % ~ == != < <= > >= in and or",
    "slice": "[<small>] [<small>:] [:<small>] [::-1] [<small>:<small>] [::2]",
}
PARTS = {name: text.strip("\n").split("\n") for name, text in LINES.items()} | {name: text.split() for name, text in WORDS.items()}


def written(random: Random, form: str) -> str:
    return re.sub(f"<({'|'.join(PARTS)})>", lambda part: written(random, random.choice(PARTS[part[1]])), form)


def main() -> None:
    count, seed, out = (int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])) if len(sys.argv) > 3 else (1200, 1, OUT)
    jinja = runpy.run_path(str(ROOT / "builder" / "webllm_build" / "source" / "tokenizer_child.py"))["environment"]()
    random, cases = Random(seed), dict[str, str | None]()
    while len(cases) < count:
        template = f"{{{{ {written(random, '<expression>')} }}}}"
        cases[template] = rendered(jinja, template, CONTEXT)
    listed = [{"template": template, "render": render} for template, render in cases.items()]
    out.write_text(json.dumps({"context": CONTEXT, "cases": listed}, indent=0) + "\n", "utf-8")


if __name__ == "__main__":
    main()
