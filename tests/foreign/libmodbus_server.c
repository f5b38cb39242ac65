/* A Modbus server on libmodbus: `libmodbus_server tcp` or `libmodbus_server rtu DEVICE`; unit 1.
 *
 * Says "ready PORT" on standard output, then one line for every write: table, address, values.
 * Contents: holding register n holds 3n + 1, input register n holds 40000 - n, coil n is on where n divides by 3,
 * discrete input n where it does not divide by 5. Input registers 200, 202, 204 and 206 hold the float 123.456 with its
 * four bytes on the wire in the orders ABCD, DCBA, BADC and CDAB. They are laid out here by shifts: the functions that
 * libmodbus has for it mean different orders in different versions.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BITS = 2100, REGISTERS = 200, FLOATS = 8 };

static uint16_t swapped(uint16_t word)
{
    return word << 8 | word >> 8;
}

static modbus_mapping_t *contents(void)
{
    modbus_mapping_t *map = modbus_mapping_new(BITS, BITS, REGISTERS, REGISTERS + FLOATS);
    if (map == NULL)
        return NULL;
    for (int n = 0; n < BITS; n++) {
        map->tab_bits[n] = n % 3 == 0;
        map->tab_input_bits[n] = n % 5 != 0;
    }
    for (int n = 0; n < REGISTERS; n++) {
        map->tab_registers[n] = 3 * n + 1;
        map->tab_input_registers[n] = 40000 - n;
    }
    float value = 123.456f;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint16_t high = bits >> 16, low = bits & 0xFFFF;
    const uint16_t floats[FLOATS] = {high, low, swapped(low), swapped(high), swapped(high), swapped(low), low, high};
    memcpy(map->tab_input_registers + REGISTERS, floats, sizeof floats);
    return map;
}

static void tell_write(const modbus_mapping_t *map, const uint8_t *pdu)
{
    int address = pdu[1] << 8 | pdu[2];
    int several = pdu[0] == 15 || pdu[0] == 16;
    int count = several ? pdu[3] << 8 | pdu[4] : 1;
    int bits = pdu[0] == 5 || pdu[0] == 15;
    if (address + count > (bits ? BITS : REGISTERS))
        return; /* it was refused */
    printf("%s %d", bits ? "coil" : "holding", address);
    for (int n = address; n < address + count; n++)
        printf(" %d", bits ? map->tab_bits[n] : map->tab_registers[n]);
    printf("\n");
}

/* Answers until the line or the connection fails in a way that cannot be gone on with. */
static void serve(modbus_t *ctx, modbus_mapping_t *map, int serial)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    for (;;) {
        int length = modbus_receive(ctx, query);
        if (length < 0 && !serial)
            return;
        if (length <= 0)
            continue; /* a broken frame, or another unit's */
        if (modbus_reply(ctx, query, length, map) < 0)
            return;
        const uint8_t *pdu = query + modbus_get_header_length(ctx);
        if (pdu[0] == 5 || pdu[0] == 6 || pdu[0] == 15 || pdu[0] == 16)
            tell_write(map, pdu);
    }
}

static int failed(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, modbus_strerror(errno));
    return 1;
}

static int serve_tcp(modbus_mapping_t *map)
{
    modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
    int listening = ctx == NULL ? -1 : modbus_tcp_listen(ctx, 1);
    if (listening < 0)
        return failed("listen");
    struct sockaddr_in place;
    socklen_t size = sizeof place;
    getsockname(listening, (struct sockaddr *)&place, &size);
    printf("ready %d\n", ntohs(place.sin_port));
    while (modbus_tcp_accept(ctx, &listening) >= 0) {
        serve(ctx, map, 0);
        modbus_close(ctx);
    }
    return failed("accept");
}

static int serve_rtu(modbus_mapping_t *map, const char *device)
{
    modbus_t *ctx = modbus_new_rtu(device, 115200, 'N', 8, 1);
    if (ctx == NULL || modbus_set_slave(ctx, 1) < 0 || modbus_connect(ctx) < 0)
        return failed(device);
    printf("ready 0\n");
    serve(ctx, map, 1);
    return failed("reply");
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    modbus_mapping_t *map = contents();
    if (map == NULL)
        return failed("mapping");
    if (count == 3 && strcmp(arguments[1], "rtu") == 0)
        return serve_rtu(map, arguments[2]);
    if (count == 2 && strcmp(arguments[1], "tcp") == 0)
        return serve_tcp(map);
    fprintf(stderr, "usage: %s tcp | rtu DEVICE\n", arguments[0]);
    return 2;
}
