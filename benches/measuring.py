"""What the benchmarks of running programs share: rows, processor time of whole processes, ports, nginx."""
import os
import pathlib
import socket
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Row:
    """One program under test."""

    def __init__(self, name, port, processes, path, headers=None):
        self.name, self.port, self.processes, self.path, self.headers = name, port, processes, path, headers or {}
        self.cpu, self.rate = [], []

    def cpu_seconds(self):
        """User and system time of every process of the row, in seconds."""
        total = 0
        for process in self.processes:
            for pid in family(process.pid):
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total += int(fields[11]) + int(fields[12])
        return total / TICKS


def family(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [grandchild for child in children for grandchild in family(int(child))]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


def nginx(folder, name, workers, servers):
    home = folder / name
    home.mkdir()
    (home / "nginx.conf").write_text(
        f"worker_processes {workers}; daemon off; pid {home}/pid; error_log {home}/error.log warn;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {home}/a; proxy_temp_path {home}/b;\n"
        f" fastcgi_temp_path {home}/c; uwsgi_temp_path {home}/d; scgi_temp_path {home}/e;\n {servers}\n}}\n"
    )
    return subprocess.Popen(["nginx", "-c", home / "nginx.conf", "-p", home, "-e", home / "error.log"])
