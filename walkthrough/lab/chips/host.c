/*
 * The same for the computer that runs Python: standard input and output are the serial line. It
 * counts nothing, since other programs disturb its clock.
 */

#include <stdio.h>
#include <stdlib.h>

#include "chip.h"

uint8_t chip_free_memory[64];      /* stands for the memory below the stack, which has enough */

void chip_start(void)
{
}

uint8_t chip_read(void)
{
    const int byte = getchar();
    return byte == EOF ? 0 : (uint8_t)byte;
}

void chip_write(uint8_t byte)
{
    putchar(byte);
}

void chip_count_from_0(void)
{
}

uint32_t chip_count(void)
{
    return 0;
}

uint8_t *chip_stack(void)
{
    return chip_free_memory + sizeof chip_free_memory;
}

void chip_stop(void)
{
    exit(0);
}
