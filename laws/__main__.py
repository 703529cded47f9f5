"""`python -m laws --run-dir DIR`: exit 0 where every law holds, 1 where one is broken, 2 where it does not know where
to look."""

import asyncio
import sys

from laws.judging import judged
from laws.sources import NoSources, Sources, parser


def main() -> int:
    arguments = parser().parse_args()
    try:
        sources = Sources.of(arguments)
    except NoSources as missing:
        print(missing, file=sys.stderr)
        return 2
    verdicts = asyncio.run(judged(sources, within=arguments.within))
    for verdict in verdicts:
        print("\n".join(verdict.lines()))
    return 0 if all(verdict.holds for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
