"""One party of MPyC on the work of `ostraka bench sum` or `vote`; `bench_peers.py` starts it.

usage: python peer_mpyc.py sum|vote RUNS FILE [options of MPyC: -M parties -I place -B port]

Every party gives one number, or one yes or no, and all learn the sum, or whether most say yes. FILE
gets the begin, the end and the processor time of each run; all processes share the clock.
"""

import json
import sys
import time

WORK, RUNS, FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3]
sys.argv[1:4] = []
mpc = __import__("mpyc.runtime").runtime.mpc  # reads its options from sys.argv as it is imported


async def run_sum(number, mine):
    return await mpc.output(mpc.sum(mpc.input(number(mine))))


async def run_vote(bit, mine):
    return await mpc.output(mpc.sum(mpc.input(bit(mine))) >= len(mpc.parties) // 2 + 1)


async def main():
    parties = len(mpc.parties)
    yes = [place % 2 == 0 for place in range(parties)]
    if WORK == "sum":
        kind, mine, run = mpc.SecInt(32), 1000 * mpc.pid, run_sum
        right = 1000 * parties * (parties - 1) // 2
    else:
        kind, mine, run = mpc.SecInt(parties.bit_length() + 1), int(yes[mpc.pid]), run_vote
        right = int(sum(yes) >= parties // 2 + 1)
    times = []
    async with mpc:
        for _ in range(RUNS):
            await mpc.transfer(None)  # all are ready
            begin, processor = time.monotonic(), time.process_time()
            found = await run(kind, mine)
            times.append((begin, time.monotonic(), time.process_time() - processor))
            if int(found) != right:
                raise SystemExit("a wrong result")
    return times


times = mpc.run(main())
with open(FILE, "w") as file:
    json.dump(times, file)
