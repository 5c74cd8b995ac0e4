"""A transform that unpacks what was packed by gzip, on the official framework."""

import gzip
import os

from aistore.sdk.etl.webserver.http_multi_threaded_server import HTTPMultiThreadedServer


class Unzipping(HTTPMultiThreadedServer):
    def transform(self, data, path, etl_args):
        return gzip.decompress(data)


Unzipping(port=int(os.environ["PORT"])).start()
