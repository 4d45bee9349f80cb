"""What both libraries' tests check of a stream that is left: the server, which answers one request at a time, is
free for the next one."""
import time

# Left alone, ANSWERS long answers take minutes; the short answer behind them takes less than a second. Neither a
# machine ten times as fast nor one that is ten times as busy comes near the limit.
ANSWERS = 16
LONGEST_WAIT = 30  # seconds


class CancelCase:
    """For a TestCase with short_answer(), and endless_stream(): a context that gives an iterator of ANSWERS answers."""

    def test_a_stream_that_is_left_frees_the_server(self):
        with self.endless_stream() as stream:
            for _ in range(3):
                next(stream)
        start = time.monotonic()
        self.short_answer()
        self.assertLess(time.monotonic() - start, LONGEST_WAIT)
