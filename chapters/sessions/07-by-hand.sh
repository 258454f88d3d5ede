# What a process asks of the kernel, and a filter in eight instructions.
#- ulimit -c 0
## strace
strace -e trace=?mkdir,?mkdirat busybox mkdir shop
strace -c -S name -U name,calls busybox mkdir shop/web
## write
cat > filter <<EOF
0x20 0 0 4           A = the architecture
0x15 1 0 0xc000003e  is it x86_64? then skip 1
0x06 0 0 0x80000000  kill the process
0x20 0 0 0           A = the number of the call
0x15 2 0 83          is it mkdir? then skip 2
0x15 1 0 258         is it mkdirat? then skip 1
0x06 0 0 0x7fff0000  allow
0x06 0 0 0x0005001e  fail with errno 30
EOF
## under
cat > under <<'EOF'
#!/usr/bin/python3
import ctypes, os, struct, sys
lines = [line.split()[:4] for line in open(sys.argv[1])]
code = b"".join(struct.pack("<HBBI", *(int(word, 0) for word in line)) for line in lines)
buffer = ctypes.create_string_buffer(code)
program = struct.pack("HP", len(lines), ctypes.addressof(buffer))
libc = ctypes.CDLL(None)
libc.prctl(38, 1, 0, 0, 0)        # PR_SET_NO_NEW_PRIVS
if libc.prctl(22, 2, program):    # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
    sys.exit("the kernel refuses this filter")
os.execvp(sys.argv[2], sys.argv[2:])
EOF
chmod +x under
## run
./under filter mkdir shop/db
./under filter id -un
./under filter sh -c 'touch shop/file; sh -c "mkdir shop/db"; grep Seccomp /proc/self/status'
## stack
./under filter ./under filter grep Seccomp_filters /proc/self/status
## door
cat > door <<'EOF'
#!/usr/bin/python3
import ctypes, mmap, struct
page = mmap.mmap(-1, 4096, flags=0x62, prot=7)          # one that may run, below 4 GiB
place = ctypes.addressof(ctypes.c_char.from_buffer(page))
code = b"\x53\xb8" + struct.pack("<I", 39)              # push rbx; eax = 39: mkdir of i386
code += b"\xbb" + struct.pack("<I", place + 64)         # ebx = the path
code += b"\xb9" + struct.pack("<I", 0o755)              # ecx = the mode
code += b"\xcd\x80\x5b\xc3"                            # int 0x80; pop rbx; ret
page.write(code.ljust(64) + b"shop/door\0")
print("mkdir of i386 returned", ctypes.CFUNCTYPE(ctypes.c_int)(place)())
EOF
chmod +x door
tail -n +4 filter > blind
./under blind mkdir shop/db
./under blind ./door
ls shop
## closed
rmdir shop/door
./under filter ./door
## strict
printf '%s\n' '0x06 0 0 0x00050001' > nothing
./under nothing true
## kill
sed 's/0x0005001e.*/0x80000000  kill the process/' filter > deadly
./under deadly mkdir shop/db
echo $?
