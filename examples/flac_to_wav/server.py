"""FLAC to WAV with ffmpeg, as a server of AIStore's own framework; `etl_args` may be a sample rate ("16000").

ffmpeg cannot go back in a pipe to write the length into the WAV's head, which says "unknown" instead; players and
libraries read such files to their end. The options make it the same on every run, and by hand:

    ffmpeg -i song.flac -map_metadata -1 -fflags +bitexact -flags +bitexact -c:a pcm_s16le -f wav pipe:1
"""

import subprocess

from aistore.sdk.etl.webserver.fastapi_server import FastAPIServer

COMMAND = ("ffmpeg", "-nostdin", "-loglevel", "error", "-i", "pipe:0")
WAV = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-c:a", "pcm_s16le", "-f", "wav", "pipe:1")


class FlacToWav(FastAPIServer):
    """Converts one object per call; its standard error is the message of the error."""

    def transform(self, data: bytes, _path: str, etl_args: str) -> bytes:
        rate = ("-ar", str(int(etl_args))) if etl_args else ()
        done = subprocess.run((*COMMAND, *rate, *WAV), input=data, capture_output=True, check=False)
        if done.returncode:
            raise ValueError(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def get_mime_type(self) -> str:
        return "audio/wav"


app = FlacToWav().app
