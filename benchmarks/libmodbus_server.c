/* A Modbus TCP server of another family (libmodbus), which all clients of benchmarks/polling.py ask.
 *
 * Reads the values of its input registers from standard input ("COUNT VALUE VALUE ..."), prints the port of
 * 127.0.0.1 that it listens on, and serves all connections until standard input is closed.
 */
#include <errno.h>
#include <modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_CONNECTIONS 16

static void give_up(const char *what)
{
    fprintf(stderr, "libmodbus_server: %s: %s\n", what, modbus_strerror(errno));
    exit(1);
}

static modbus_mapping_t *registers_of_input(void)
{
    unsigned count, value;
    if (scanf("%u", &count) != 1 || count < 1 || count > 65536)
        give_up("no count of registers");
    modbus_mapping_t *map = modbus_mapping_new(0, 0, 0, (int)count);
    if (map == NULL)
        give_up("registers");
    for (unsigned i = 0; i < count; i++) {
        if (scanf("%u", &value) != 1 || value > 65535)
            give_up("no value of a register");
        map->tab_input_registers[i] = (uint16_t)value;
    }
    return map;
}

static void print_port(int listening)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    if (getsockname(listening, (struct sockaddr *)&address, &size) < 0)
        give_up("port");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
}

/* Whether the connection goes on. */
static int serve_one_request(modbus_t *modbus, int connection, modbus_mapping_t *map)
{
    uint8_t request[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(modbus, connection);
    int size = modbus_receive(modbus, request);
    return size == 0 || (size > 0 && modbus_reply(modbus, request, size, map) > 0);
}

int main(void)
{
    modbus_mapping_t *map = registers_of_input();
    modbus_t *modbus = modbus_new_tcp("127.0.0.1", 0);
    if (modbus == NULL)
        give_up("context");
    int listening = modbus_tcp_listen(modbus, MOST_CONNECTIONS);
    if (listening < 0)
        give_up("listen");
    print_port(listening);

    struct pollfd watched[2 + MOST_CONNECTIONS] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                                   {.fd = listening, .events = POLLIN}};
    nfds_t count = 2;
    while (poll(watched, count, -1) >= 0) {
        char rest[64];
        if (watched[0].revents && read(STDIN_FILENO, rest, sizeof rest) <= 0)
            return 0;
        for (nfds_t i = count; i-- > 2;)
            if (watched[i].revents && !serve_one_request(modbus, watched[i].fd, map)) {
                close(watched[i].fd);
                watched[i] = watched[--count];
            }
        if (watched[1].revents && count < 2 + MOST_CONNECTIONS) {
            int connection = accept(listening, NULL, NULL), yes = 1;
            if (connection < 0)
                give_up("accept");
            setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            watched[count++] = (struct pollfd){.fd = connection, .events = POLLIN};
        }
    }
    give_up("poll");
}
