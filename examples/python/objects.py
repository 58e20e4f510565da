"""Objects that live in engines and are used as if they were local."""

import distob


class Account:
    """An ordinary class; nothing in it knows of distob."""

    def __init__(self, owner: str, balance: int = 0) -> None:
        self.owner = owner
        self.balance = balance
        self.history: list[int] = []

    def deposit(self, amount: int) -> int:
        if amount <= 0:
            raise ValueError(f"cannot deposit {amount}")
        self.balance += amount
        self.history.append(amount)
        return self.balance

    def transfer(self, other: "Account", amount: int) -> None:
        self.balance -= amount
        other.deposit(amount)


accounts = distob.scatter([Account("Ada"), Account("Grace", 100), Account("Edsger", 50)])
ada, grace, edsger = accounts

print("isinstance:", isinstance(ada, Account))
print("everybody deposits 10:", distob.call_all(accounts, "deposit", 10))

ada.balance += 5  # attributes are read and set where the object lives
grace.transfer(ada, 40)  # a proxy is an argument like any other, wherever its object lives
ada.history.append(0)  # what a proxy reaches can be changed through it
print("Ada:", ada.balance, list(ada.history), "Grace:", grace.balance)

try:
    edsger.deposit(-1)
except ValueError as error:
    print("errors keep their type:", error)

home = distob.gather(ada)  # a local object again
print(type(home).__name__, home.owner, home.balance)
