import { EventEmitter } from 'eventemitter3';

/** An emitter that tells its owner when listeners have come or gone: a hot path looks at a flag, not for listeners. */
export abstract class WatchedEmitter<Events extends EventEmitter.ValidEventTypes> extends EventEmitter<Events> {
  /** Listeners were added or removed. */
  protected abstract listenersChanged(): void;

  override on<T extends EventEmitter.EventNames<Events>>(
    event: T,
    listener: EventEmitter.EventListener<Events, T>,
    context?: unknown,
  ): this {
    super.on(event, listener, context);
    this.listenersChanged();
    return this;
  }

  override addListener<T extends EventEmitter.EventNames<Events>>(
    event: T,
    listener: EventEmitter.EventListener<Events, T>,
    context?: unknown,
  ): this {
    return this.on(event, listener, context);
  }

  override once<T extends EventEmitter.EventNames<Events>>(
    event: T,
    listener: EventEmitter.EventListener<Events, T>,
    context?: unknown,
  ): this {
    super.once(event, listener, context);
    this.listenersChanged();
    return this;
  }

  override removeListener<T extends EventEmitter.EventNames<Events>>(
    event: T,
    listener?: EventEmitter.EventListener<Events, T>,
    context?: unknown,
    once?: boolean,
  ): this {
    super.removeListener(event, listener, context, once);
    this.listenersChanged();
    return this;
  }

  override off<T extends EventEmitter.EventNames<Events>>(
    event: T,
    listener?: EventEmitter.EventListener<Events, T>,
    context?: unknown,
    once?: boolean,
  ): this {
    return this.removeListener(event, listener, context, once);
  }

  override removeAllListeners(event?: EventEmitter.EventNames<Events>): this {
    super.removeAllListeners(event);
    this.listenersChanged();
    return this;
  }
}
