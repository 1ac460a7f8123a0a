"""What stands between a snippet and the machine, one file per layer.

| file          | layer                                                                  |
|---------------|------------------------------------------------------------------------|
| namespaces.py | files, processes, network and hosts of its own (tier A)                |
| landlock.py   | which files may be opened; no TCP, no signals outside                  |
| seccomp.py    | which system calls exist; threads but no processes                     |
| rlimits.py    | processor time, memory, file size; no privileges                       |
| confine.py    | puts all of them on, in order                                          |
| tier.py       | which of them this machine has                                         |
| readable.py   | what may be read; libc.py and syscalls.py: the C calls and numbers     |
"""
