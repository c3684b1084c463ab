/*
 * A board around the simulated ATmega328P: what this program reads goes into the chip's serial
 * line, and what the chip sends is written.
 */

#include <simavr/avr_uart.h>
#include <simavr/sim_avr.h>
#include <simavr/sim_elf.h>
#include <stdio.h>

static avr_irq_t *into_chip;
static int may_send;

static void from_chip(struct avr_irq_t *irq, uint32_t byte, void *unused)
{
    (void)irq, (void)unused;
    putchar((int)byte);
}

static void chip_is_full(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq, (void)value, (void)unused;
    may_send = 0;
}

static void chip_has_room(struct avr_irq_t *irq, uint32_t value, void *unused)
{
    (void)irq, (void)value, (void)unused;
    may_send = 1;
}

int main(int argc, char **argv)
{
    static elf_firmware_t program;
    uint32_t flags = 0;
    int state = cpu_Running;
    avr_t *chip;

    if (argc != 2 || elf_read_firmware(argv[1], &program) != 0) {
        fprintf(stderr, "usage: %s program.elf\n", argv[0]);
        return 2;
    }
    chip = avr_make_mcu_by_name("atmega328p");
    avr_init(chip);
    chip->frequency = 16000000;
    avr_load_firmware(chip, &program);

    /* the simulator would print the chip's bytes in lines of its own */
    avr_ioctl(chip, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    into_chip = avr_io_getirq(chip, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(
        avr_io_getirq(chip, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), from_chip, NULL);
    avr_irq_register_notify(
        avr_io_getirq(chip, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), chip_is_full, NULL);
    avr_irq_register_notify(
        avr_io_getirq(chip, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), chip_has_room, NULL);

    while (state != cpu_Done && state != cpu_Crashed) {
        if (may_send) {
            const int byte = getchar();
            if (byte == EOF)
                may_send = 0;
            else
                avr_raise_irq(into_chip, (uint32_t)byte);
        }
        state = avr_run(chip);
    }
    return state == cpu_Crashed;
}
