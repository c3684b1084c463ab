/*
 * Serial line and timer of the ATmega328P, the chip of an Arduino Uno, at 16 MHz.
 *
 * TIMER1 has 16 bits and counts cycles. Each time it comes round to 0, an interrupt adds 1 to
 * `rounds`. The interrupt takes cycles itself, always equally many. They are measured at the start
 * and subtracted.
 */

#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "chip.h"

#define TWO_ROUNDS 131072u

static volatile uint16_t rounds;
static uint16_t interrupt_cycles;

ISR(TIMER1_OVF_vect)
{
    rounds++;
}

void chip_start(void)
{
    UBRR0 = 0;                         /* 2 million bits a second: 80 cycles a byte */
    UCSR0A = _BV(U2X0);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0);
    TCCR1A = 0;
    TIMSK1 = _BV(TOIE1);
    sei();

    uint32_t empty;
    interrupt_cycles = 0;
    chip_count_from_0();
    empty = chip_count();
    chip_count_from_0();
    __builtin_avr_delay_cycles(TWO_ROUNDS);
    interrupt_cycles = (uint16_t)((chip_count() - empty - TWO_ROUNDS) / 2);
}

uint8_t chip_read(void)
{
    while (!(UCSR0A & _BV(RXC0)))
        ;
    return UDR0;
}

void chip_write(uint8_t byte)
{
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    UDR0 = byte;
}

void chip_count_from_0(void)
{
    TCCR1B = 0;
    TCNT1 = 0;
    rounds = 0;
    TCCR1B = _BV(CS10);                /* counts every cycle */
}

uint32_t chip_count(void)
{
    uint16_t before, cycles;
    do {
        before = rounds;
        cycles = TCNT1;
    } while (before != rounds);        /* came round while it was read: once again */
    return cycles + before * (65536u - interrupt_cycles);
}

uint8_t *chip_stack(void)
{
    return (uint8_t *)SP;
}

/* A chip that sleeps and takes no interrupts never wakes up; there the simulation ends. */
void chip_stop(void)
{
    while (!(UCSR0A & _BV(UDRE0)))
        ;
    cli();
    sleep_enable();
    sleep_cpu();
}
