/* A Modbus client of another family (libmodbus), the floor of benchmarks/polling.py.
 *
 * libmodbus_client tcp PORT COUNT        asks 127.0.0.1
 * libmodbus_client rtu DEVICE COUNT      asks unit 1 at 115200 baud, 8N1
 *
 * For every number N on standard input it reads COUNT input registers from address 0 N times and prints the seconds
 * that this took, and the seconds of CPU time.
 */
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: %s tcp PORT COUNT | rtu DEVICE COUNT\n", argv[0]);
        return 2;
    }
    int count = atoi(argv[3]);
    uint16_t registers[MODBUS_MAX_READ_REGISTERS];
    modbus_t *modbus = strcmp(argv[1], "tcp") == 0 ? modbus_new_tcp("127.0.0.1", atoi(argv[2]))
                                                   : modbus_new_rtu(argv[2], 115200, 'N', 8, 1);
    if (modbus == NULL || modbus_set_slave(modbus, 1) < 0 || modbus_connect(modbus) < 0) {
        fprintf(stderr, "libmodbus_client: %s\n", modbus_strerror(errno));
        return 1;
    }
    long requests;
    while (scanf("%ld", &requests) == 1) {
        double cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID), wall_s = seconds_of(CLOCK_MONOTONIC);
        for (long i = 0; i < requests; i++)
            if (modbus_read_input_registers(modbus, 0, count, registers) != count) {
                fprintf(stderr, "libmodbus_client: %s\n", modbus_strerror(errno));
                return 1;
            }
        wall_s = seconds_of(CLOCK_MONOTONIC) - wall_s;
        cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
        printf("%.9f %.9f\n", wall_s, cpu_s);
        fflush(stdout);
    }
    modbus_close(modbus);
    modbus_free(modbus);
    return 0;
}
